// The JavaScript SDK v3 with its defaults against one server. Prints `ok NAME` or `FAIL NAME: why` a check.
// Reads ENDPOINT, REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; trusts NODE_EXTRA_CA_CERTS.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import https from "node:https";
import {
  CopyObjectCommand, CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, HeadObjectCommand,
  ListObjectsV2Command, PutObjectCommand, S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const Bucket = "js-sdk-lane";
const own = { endpoint: process.env.ENDPOINT, region: process.env.REGION, forcePathStyle: true, maxAttempts: 1 };
const s3 = new S3Client(own);
// The presigner would sign the CRC32 of an empty body into the URL of a PUT, which S3 rightly refuses.
const presigner = new S3Client({ ...own, requestChecksumCalculation: "WHEN_REQUIRED" });
let failed = 0;

async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    failed = 1;
    console.log(`FAIL ${name}: ${String(error?.message ?? error).replaceAll("\n", " ").slice(0, 500)}`);
  }
}

const md5 = (key) => crypto.createHash("md5").update(key).digest("base64");
const trio = (key) => ({ SSECustomerAlgorithm: "AES256", SSECustomerKey: key.toString("base64"), SSECustomerKeyMD5: md5(key) });
const algorithm = "x-amz-server-side-encryption-customer-algorithm";
const headers = (key) => ({
  [algorithm]: "AES256",
  "x-amz-server-side-encryption-customer-key": key.toString("base64"),
  "x-amz-server-side-encryption-customer-key-md5": md5(key),
});
const bytes = async (answer) => Buffer.from(await answer.Body.transformToByteArray());
const same = (got, wanted) => assert.ok(Buffer.compare(got, wanted) === 0, `other bytes: ${got.length} for ${wanted.length}`);
const refused = (promise, status, name) =>
  assert.rejects(promise, (error) => error.$metadata?.httpStatusCode === status && (!name || error.name === name));

function fetchUrl(method, url, sent, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, headers: { ...sent, "content-length": body?.length ?? 0 } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const key = crypto.randomBytes(32), other = crypto.randomBytes(32);
const small = crypto.randomBytes(100_000), large = crypto.randomBytes((12 << 20) + 5);

await s3.send(new CreateBucketCommand({ Bucket }));
for (const body of [Buffer.alloc(0), Buffer.from("x"), small]) {
  await check(`put, head and get ${body.length} bytes with default checksums`, async () => {
    const where = { Bucket, Key: `sealed/${body.length}`, ...trio(key) };
    const put = await s3.send(new PutObjectCommand({ ...where, Body: body }));
    assert.ok(put.ChecksumCRC32, "no default checksum on the answer");
    const head = await s3.send(new HeadObjectCommand(where));
    assert.deepEqual([head.ContentLength, head.ETag, head.SSECustomerKeyMD5], [body.length, put.ETag, md5(key)]);
    same(await bytes(await s3.send(new GetObjectCommand({ ...where, ChecksumMode: "ENABLED" }))), body);
  });
}
await check("the SDK encodes a raw key by itself", async () => {
  const where = { Bucket, Key: "raw", SSECustomerAlgorithm: "AES256", SSECustomerKey: key };
  await s3.send(new PutObjectCommand({ ...where, Body: small }));
  same(await bytes(await s3.send(new GetObjectCommand({ Bucket, Key: "raw", ...trio(key) }))), small);
});
await check("a range", async () => {
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "sealed/100000", Range: "bytes=16383-16384", ...trio(key) }));
  same(await bytes(got), small.subarray(16383, 16385));
});
for (const algorithm of ["CRC32C", "SHA1", "SHA256"]) {
  await check(`checksum ${algorithm}`, async () => {
    const where = { Bucket, Key: "sum", ...trio(key) };
    const put = await s3.send(new PutObjectCommand({ ...where, Body: small, ChecksumAlgorithm: algorithm }));
    const got = await s3.send(new GetObjectCommand({ ...where, ChecksumMode: "ENABLED" }));
    same(await bytes(got), small);
    assert.equal(got[`Checksum${algorithm}`], put[`Checksum${algorithm}`]);
  });
}
await check("lib-storage sends parts", async () => {
  const where = { Bucket, Key: "parts", ...trio(key) };
  const done = await new Upload({ client: s3, params: { ...where, Body: large }, partSize: 5 << 20 }).done();
  assert.match(done.ETag, /-3"$/);
  same(await bytes(await s3.send(new GetObjectCommand(where))), large);
});
await check("no key is 400, a wrong key 403, nothing 404", async () => {
  const where = { Bucket, Key: "sealed/1" };
  await refused(s3.send(new GetObjectCommand(where)), 400, "InvalidRequest");
  await refused(s3.send(new HeadObjectCommand(where)), 400);
  await refused(s3.send(new GetObjectCommand({ ...where, ...trio(other) })), 403, "AccessDenied");
  await refused(s3.send(new GetObjectCommand({ Bucket, Key: "none", ...trio(key) })), 404, "NoSuchKey");
});
for (const [name, params] of [["trio", trio(key)], ["algorithm alone", { SSECustomerAlgorithm: "AES256" }]]) {
  await check(`presigned, the ${name} in signed headers, as the presigner does by default`, async () => {
    const where = { Bucket, Key: "presigned", ...params };
    const put = await getSignedUrl(presigner, new PutObjectCommand(where));
    assert.match(put, /SignedHeaders=[^&]*customer-algorithm/);
    const done = await fetchUrl("PUT", put, headers(key), small);
    assert.equal(done.status, 200, `${done.status} ${done.body}`);
    const url = await getSignedUrl(presigner, new GetObjectCommand(where));
    const got = await fetchUrl("GET", url, headers(key));
    assert.equal(got.status, 200);
    same(got.body, small);
    assert.equal((await fetchUrl("GET", url, headers(other))).status, 403);
    const without = (await fetchUrl("GET", url, { [algorithm]: "AES256" })).status;
    assert.equal(without, params.SSECustomerKey ? 403 : 400, "without the key");
    assert.equal((await fetchUrl("GET", url, {})).status, 403, "without a signed header");
  });
}
for (const hoisted of [[algorithm], Object.keys(headers(key))]) {
  await check(`presigned with ${hoisted.length} of the trio hoisted`, async () => {
    const hoistableHeaders = new Set(hoisted);
    const where = { Bucket, Key: "presigned", ...trio(key) };
    const sent = Object.fromEntries(Object.entries(headers(key)).filter(([name]) => !hoistableHeaders.has(name)));
    const put = await getSignedUrl(presigner, new PutObjectCommand(where), { hoistableHeaders });
    assert.equal((await fetchUrl("PUT", put, sent, small)).status, 200);
    const url = await getSignedUrl(presigner, new GetObjectCommand(where), { hoistableHeaders });
    assert.match(url, /[?&]x-amz-server-side-encryption-customer-algorithm=AES256/);
    const got = await fetchUrl("GET", url, sent);
    assert.equal(got.status, 200);
    same(got.body, small);
    // Another key beside the URL, or as a header that repeats what is hoisted, is not covered by it.
    const wrong = Object.fromEntries(Object.entries(headers(other)).filter(([name]) => name !== algorithm));
    assert.equal((await fetchUrl("GET", url, wrong)).status, hoisted.length === 1 ? 403 : 400);
    if (hoisted.length === 1) assert.equal((await fetchUrl("GET", url, {})).status, 403, "without a signed header");
  });
}
await check("a copy under another key", async () => {
  const from = { CopySourceSSECustomerAlgorithm: "AES256", CopySourceSSECustomerKey: key.toString("base64"), CopySourceSSECustomerKeyMD5: md5(key) };
  await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/sealed/100000`, ...from, ...trio(other) }));
  same(await bytes(await s3.send(new GetObjectCommand({ Bucket, Key: "copy", ...trio(other) }))), small);
});
await check("list and delete without a key", async () => {
  const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "sealed/" }));
  assert.deepEqual(listed.Contents.map((row) => row.Size), [0, 1, 100_000]);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "sealed/1" }));
  await refused(s3.send(new HeadObjectCommand({ Bucket, Key: "sealed/1", ...trio(key) })), 404);
});
process.exit(failed);
