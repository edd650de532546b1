import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * The AWS SDK for Java v2 with its defaults against one server. Prints {@code ok NAME} or {@code FAIL NAME: why} a
 * check. Reads ENDPOINT, REGION and the AWS_ variables; trusts javax.net.ssl.trustStore.
 */
public final class Lane {
    private static final String BUCKET = "java-sdk-lane";
    private static final int PART = 5 << 20;
    private static final URI ENDPOINT = URI.create(System.getenv("ENDPOINT"));
    private static final Region REGION = Region.of(System.getenv("REGION"));
    private static final byte[] KEY = random(32);
    private static final String TEXT = Base64.getEncoder().encodeToString(KEY);
    private static final String SUM = md5(KEY);
    private static boolean failed;

    private interface Check {
        void run() throws Exception;
    }

    private static void check(String name, Check body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Exception | AssertionError error) {
            failed = true;
            System.out.println("FAIL " + name + ": " + String.valueOf(error).replace('\n', ' '));
        }
    }

    private static void that(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    private static byte[] random(int size) {
        byte[] data = new byte[size];
        new SecureRandom().nextBytes(data);
        return data;
    }

    private static String md5(byte[] data) {
        try {
            return Base64.getEncoder().encodeToString(MessageDigest.getInstance("MD5").digest(data));
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static GetObjectRequest get(String name) {
        return GetObjectRequest.builder().bucket(BUCKET).key(name).sseCustomerAlgorithm("AES256").sseCustomerKey(TEXT)
            .sseCustomerKeyMD5(SUM).checksumMode(ChecksumMode.ENABLED).build();
    }

    private static void same(S3Client s3, String name, byte[] wanted) {
        ResponseBytes<GetObjectResponse> got = s3.getObjectAsBytes(get(name));
        that(Arrays.equals(got.asByteArrayUnsafe(), wanted), "other bytes");
        that(SUM.equals(got.response().sseCustomerKeyMD5()), "the MD5 is not echoed");
    }

    private static void refused(int status, Check call) throws Exception {
        try {
            call.run();
        } catch (S3Exception error) {
            that(error.statusCode() == status, "wanted " + status + ", got " + error);
            return;
        }
        throw new AssertionError("succeeded instead of " + status);
    }

    public static void main(String[] arguments) {
        try (S3Client s3 = S3Client.builder().endpointOverride(ENDPOINT).region(REGION).forcePathStyle(true)
                .httpClient(UrlConnectionHttpClient.create()).build()) {
            s3.createBucket(request -> request.bucket(BUCKET));
            objects(s3);
            multipart(s3);
            copies(s3);
        }
        presigned();
        System.exit(failed ? 1 : 0);
    }

    private static void objects(S3Client s3) {
        for (int size : new int[] {0, 1, 100_000}) {
            check(size + " bytes, put, head and get with default checksums", () -> {
                byte[] body = random(size);
                String name = "sealed/" + size;
                String etag = s3.putObject(request -> request.bucket(BUCKET).key(name).sseCustomerAlgorithm("AES256")
                    .sseCustomerKey(TEXT).sseCustomerKeyMD5(SUM), RequestBody.fromBytes(body)).eTag();
                var head = s3.headObject(request -> request.bucket(BUCKET).key(name).sseCustomerAlgorithm("AES256")
                    .sseCustomerKey(TEXT).sseCustomerKeyMD5(SUM));
                that(head.contentLength() == size && head.eTag().equals(etag), "head answers otherwise than put");
                same(s3, name, body);
            });
        }
        check("no key is 400", () -> refused(400, () -> s3.getObjectAsBytes(request -> request.bucket(BUCKET).key("sealed/1"))));
        check("a wrong key is 403", () -> {
            byte[] other = random(32);
            refused(403, () -> s3.getObjectAsBytes(request -> request.bucket(BUCKET).key("sealed/1").sseCustomerAlgorithm("AES256")
                .sseCustomerKey(Base64.getEncoder().encodeToString(other)).sseCustomerKeyMD5(md5(other))));
        });
        check("nothing is 404", () -> refused(404, () -> s3.getObjectAsBytes(get("none"))));
    }

    private static void multipart(S3Client s3) {
        check("multipart", () -> {
            byte[] body = random(PART + 7);
            // S3 wants the algorithm chosen as soon as the parts are named with their checksums, and the key on Complete.
            String upload = s3.createMultipartUpload(request -> request.bucket(BUCKET).key("parts").sseCustomerAlgorithm("AES256")
                .sseCustomerKey(TEXT).sseCustomerKeyMD5(SUM).checksumAlgorithm(ChecksumAlgorithm.CRC32)).uploadId();
            List<CompletedPart> done = new ArrayList<>();
            for (int number = 1; number <= 2; number++) {
                int part = number;
                byte[] bytes = Arrays.copyOfRange(body, PART * (part - 1), Math.min(PART * part, body.length));
                var sent = s3.uploadPart(request -> request.bucket(BUCKET).key("parts").uploadId(upload).partNumber(part)
                    .sseCustomerAlgorithm("AES256").sseCustomerKey(TEXT).sseCustomerKeyMD5(SUM), RequestBody.fromBytes(bytes));
                done.add(CompletedPart.builder().partNumber(part).eTag(sent.eTag()).checksumCRC32(sent.checksumCRC32()).build());
            }
            s3.completeMultipartUpload(request -> request.bucket(BUCKET).key("parts").uploadId(upload).sseCustomerAlgorithm("AES256")
                .sseCustomerKey(TEXT).sseCustomerKeyMD5(SUM).multipartUpload(parts -> parts.parts(done)));
            same(s3, "parts", body);
        });
    }

    private static void copies(S3Client s3) {
        check("a copy of a sealed object under the same key", () -> {
            s3.copyObject(request -> request.sourceBucket(BUCKET).sourceKey("sealed/100000").destinationBucket(BUCKET).destinationKey("copy")
                .copySourceSSECustomerAlgorithm("AES256").copySourceSSECustomerKey(TEXT).copySourceSSECustomerKeyMD5(SUM)
                .sseCustomerAlgorithm("AES256").sseCustomerKey(TEXT).sseCustomerKeyMD5(SUM));
            same(s3, "copy", s3.getObjectAsBytes(get("sealed/100000")).asByteArray());
        });
    }

    /** The URL covers the algorithm, or the whole trio; the rest travels beside it. */
    private static void presigned() {
        var style = S3Configuration.builder().pathStyleAccessEnabled(true).build();
        try (S3Presigner signer = S3Presigner.builder().endpointOverride(ENDPOINT).region(REGION).serviceConfiguration(style).build()) {
            for (boolean pinned : new boolean[] {true, false}) {
                check("presigned, covering " + (pinned ? "the trio" : "the algorithm alone"), () -> {
                    byte[] body = random(100_000);
                    var put = signer.presignPutObject(request -> request.signatureDuration(Duration.ofMinutes(5))
                        .putObjectRequest(object -> object.bucket(BUCKET).key("presigned").sseCustomerAlgorithm("AES256")
                            .sseCustomerKey(pinned ? TEXT : null).sseCustomerKeyMD5(pinned ? SUM : null)));
                    that(send("PUT", put.url(), put.signedHeaders(), KEY, body).getResponseCode() == 200, "PUT was refused");
                    var read = signer.presignGetObject(request -> request.signatureDuration(Duration.ofMinutes(5))
                        .getObjectRequest(object -> object.bucket(BUCKET).key("presigned").sseCustomerAlgorithm("AES256")
                            .sseCustomerKey(pinned ? TEXT : null).sseCustomerKeyMD5(pinned ? SUM : null)));
                    var answer = send("GET", read.url(), read.signedHeaders(), KEY, null);
                    that(answer.getResponseCode() == 200, "GET answered " + answer.getResponseCode());
                    that(Arrays.equals(answer.getInputStream().readAllBytes(), body), "other bytes");
                    int wrong = send("GET", read.url(), read.signedHeaders(), random(32), null).getResponseCode();
                    that(wrong == 403, "GET under another key answered " + wrong);
                    // What the URL pins must come with it; what it leaves open, S3 asks for.
                    int without = send("GET", read.url(), read.signedHeaders(), null, null).getResponseCode();
                    that(without == (pinned ? 403 : 400), "GET without the key answered " + without);
                });
            }
        }
    }

    /** Uses a URL with the headers that it covers, but of {@code key}, or without any key. */
    private static HttpURLConnection send(String method, URL url, Map<String, List<String>> covered, byte[] key, byte[] body)
            throws Exception {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        connection.setRequestMethod(method);
        covered.forEach((name, values) -> {
            if (!name.equalsIgnoreCase("host") && !name.toLowerCase().contains("customer-key")) {
                connection.setRequestProperty(name, String.join(",", values));
            }
        });
        if (key != null) {
            connection.setRequestProperty("x-amz-server-side-encryption-customer-key", Base64.getEncoder().encodeToString(key));
            connection.setRequestProperty("x-amz-server-side-encryption-customer-key-MD5", md5(key));
        }
        if (body != null) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            connection.getOutputStream().write(body);
        }
        return connection;
    }
}
