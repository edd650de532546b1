"""SSE-C by object size, from nothing to 1 GiB: throughput and the server's CPU, with wrk over TLS.

PUT ends at 64 MiB, since wrk holds a body three times over.
"""
import json
import os
import pathlib
import subprocess
import tempfile

import boto3
import botocore.config

import keys

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SIZES = [0, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB]
PUT_MAX = 64 * MIB
PART = 64 * MIB
SECONDS_MIN = 4
BYTES_PER_SECOND_MIN = PART  # of each connection: so long that a large object comes through on a busy machine
BUCKET = "sizes"
WRITTEN_MIN, WRITTEN_MAX = 4, 256  # keys that PUTs take in turn: writers of one key wait for each other
# One request after the other for each path in turn, formatted once. Paths are of one length: wrk asks for another
# request when TLS could not take the first whole, and goes on in the middle of it.
TURNS = """local made, at = {}, 0
function request()
  at = at % #paths + 1
  made[at] = made[at] or wrk.format(nil, paths[at])
  return made[at]
end
"""
DONE = """function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('JSON {"requests":%d,"us":%d,"p50_us":%d,"failed":%d}\\n', summary.requests,
    summary.duration, latency:percentile(50), e.connect + e.read + e.write + e.timeout + e.status))
end
"""


def sweep(contestant):
    """One row a size and method."""
    _, endpoint, access, secret, region, pids = contestant
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name=region,
        verify=False, config=botocore.config.Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"))
    client.create_bucket(Bucket=BUCKET)
    trio = keys.trio(keys.fresh())
    fields = dict(zip(("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"), ordered(trio)))
    rows = []
    for size in SIZES:
        put(client, size, fields)
        for method, operation in (("GET", "get_object"), ("PUT", "put_object")):
            if method == "PUT" and size > PUT_MAX:
                continue
            names = [str(size)] if method == "GET" else [f"{size}/{number:03}" for number in range(written(size))]
            urls = [client.generate_presigned_url(
                operation, Params={"Bucket": BUCKET, "Key": name, **fields}, ExpiresIn=36000) for name in names]
            body = os.urandom(size) if method == "PUT" else None
            before = cpu(pids)
            seconds = max(SECONDS_MIN, size // BYTES_PER_SECOND_MIN)
            asked = (method, [url.removeprefix(endpoint) for url in urls], trio, body)
            done = wrk(endpoint, asked, 16 if size < MIB else 4, seconds)
            rows.append(row(method, size, done, cpu(pids) - before))
            print(json.dumps(rows[-1]), flush=True)
    return rows


def written(size):
    """How many keys PUTs of this size take in turn; wrk holds a body for each."""
    return max(WRITTEN_MIN, min(WRITTEN_MAX, PART // max(1, size)))


def ordered(trio):
    """Algorithm, key, MD5."""
    by_name = {name.lower(): value for name, value in trio.items()}
    stem = "x-amz-server-side-encryption-customer-"
    return [by_name[stem + end] for end in ("algorithm", "key", "key-md5")]


def put(client, size, fields):
    """The object that is read: in parts, where it is larger than one."""
    target = {"Bucket": BUCKET, "Key": str(size)}
    if size <= PART:
        client.put_object(**target, Body=os.urandom(size), **fields)
        return
    upload = client.create_multipart_upload(**target, **fields)["UploadId"]
    block, parts = os.urandom(PART), []
    for number in range(1, size // PART + 1):
        part = client.upload_part(**target, UploadId=upload, PartNumber=number, Body=block, **fields)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    client.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts}, **fields)


def wrk(endpoint, request, connections, seconds):
    """What wrk counts of a request sent again and again, to each of its paths in turn."""
    method, paths, headers, body = request
    with tempfile.TemporaryDirectory() as directory:
        script = pathlib.Path(directory) / "wrk.lua"
        lines = [f'wrk.method = "{method}"', "paths = {" + ", ".join(f'"{path}"' for path in paths) + "}"]
        lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        if body is not None:
            (pathlib.Path(directory) / "body").write_bytes(body)
            lines.append(f'local f = io.open("{directory}/body", "rb"); wrk.body = f:read("*a"); f:close()')
        script.write_text("\n".join(lines) + "\n" + TURNS + DONE)
        said = subprocess.run(
            ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", "-s", str(script),
             endpoint], check=True, capture_output=True, text=True).stdout
    return json.loads(next(line for line in said.splitlines() if line.startswith("JSON "))[5:])


def row(method, size, done, seconds):
    """The figures of one run; none where nothing came through."""
    if done["failed"] or not done["requests"]:
        raise AssertionError(f"{method} of {size} bytes: {done}")
    wall = done["us"] / 1e6
    return {"method": method, "bytes": size, "per_second": round(done["requests"] / wall, 2),
            "GB_per_second": round(done["requests"] * size / wall / 1e9, 4),
            "cpu_us": round(seconds / done["requests"] * 1e6, 1), "p50_us": done["p50_us"]}


def cpu(pids):
    """Seconds of CPU of these processes."""
    total = 0
    for pid in pids.split(","):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
