"""Presigned URLs with a customer key, as AWS describes them: the URL must cover the algorithm, in a signed header or
hoisted into its query; the key and its MD5 may travel beside it unsigned, or be pinned. boto3 makes the URLs that it
can make; the others are signed here.
"""
import http.client
import os
import urllib.parse

import keys
from checks import main, same, that
from raw import Raw
from server import Server

BUCKET = "presigned-lane"
PATH = f"/{BUCKET}/object"
BODY = os.urandom(100_000)


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        server.boto3().create_bucket(Bucket=BUCKET)
        key = keys.fresh()
        by_boto3(lane, server, key)
        by_hand(lane, Raw(server), key)
        refused(lane, Raw(server), key)


def fetch(server, method, url, headers, body=b""):
    """Status and body of a URL used by a plain HTTPS client."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=30, context=server.tls())
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def by_boto3(lane, server, key):
    """generate_presigned_url, SigV4, with all of the trio given, and with the algorithm alone."""
    s3 = server.boto3(signature_version="s3v4")
    for covered, given in {"the whole trio": keys.boto(key), "the algorithm alone": {"SSECustomerAlgorithm": "AES256"}}.items():
        with lane.check(f"boto3, {covered} covered: PUT, GET, HEAD"):
            where = {"Bucket": BUCKET, "Key": "boto3"} | given
            url = lambda operation, where=where: s3.generate_presigned_url(operation, Params=where)  # noqa: E731
            same(fetch(server, "PUT", url("put_object"), keys.trio(key), BODY)[0], 200)
            status, body = fetch(server, "GET", url("get_object"), keys.trio(key))
            same((status, body == BODY), (200, True))
            same(fetch(server, "HEAD", url("head_object"), keys.trio(key))[0], 200)
            same(fetch(server, "GET", url("get_object"), keys.trio(keys.fresh()))[0], 403)
            unsigned = {name: value for name, value in keys.trio(key).items() if name == keys.ALG}
            wanted = 400 if len(given) == 1 else 403  # what is not pinned is asked for; what is pinned must come
            same(fetch(server, "GET", url("get_object"), unsigned)[0], wanted, "without the key")
            same(fetch(server, "GET", url("get_object"), {})[0], 403, "without a signed header")


def by_hand(lane, raw, key):
    """Each place that a header may have: signed header, hoisted into the query, beside the URL unsigned."""
    trio = keys.trio(key)
    alg, rest = {keys.ALG: "AES256"}, {name: trio[name] for name in (keys.KEY, keys.MD5)}
    lower = {name.lower(): value for name, value in trio.items()}
    rows = {
        "all three in signed headers": (trio, {}, trio),
        "algorithm in a signed header, key and MD5 unsigned": (alg, {}, trio),
        "algorithm hoisted, key and MD5 unsigned": ({}, alg, rest),
        "algorithm hoisted, key and MD5 in signed headers": (rest, alg, rest),
        "all three hoisted": ({}, trio, {}),
        "all three hoisted, in lower case": ({}, lower, {}),
        "lower-case headers": (lower, {}, lower),
    }
    for name, (signed, query, sent) in rows.items():
        with lane.check(f"{name}: PUT and GET"):
            target = raw.presigned("PUT", PATH, signed, query)
            same(answer(raw, "PUT", target, sent, BODY).status, 200)
            target = raw.presigned("GET", PATH, signed, query)
            got = answer(raw, "GET", target, sent)
            same((got.status, got.body == BODY), (200, True), repr(got))
            same(got.headers.get(keys.MD5.lower()), keys.md5(key), "the echoed MD5")
    with lane.check("a read without the MD5"):
        target = raw.presigned("GET", PATH, {}, alg)
        same(answer(raw, "GET", target, {keys.KEY: trio[keys.KEY]}).status, 200)


def answer(raw, method, target, headers, body=b""):
    """Sends a presigned request with Host and `headers`."""
    return raw.send(method, target, [("Host", raw.host), *headers.items()], body)


def refused(lane, raw, key):
    """What a URL must not allow."""
    trio, alg = keys.trio(key), {keys.ALG: "AES256"}
    with lane.check("a URL that covers none of the trio: AccessDenied, and all three are named"):
        got = answer(raw, "PUT", raw.presigned("PUT", PATH), trio, b"x")
        same((got.status, got.code), (403, "AccessDenied"), repr(got))
        named = sorted(name.strip().lower() for name in got.error().get("HeadersNotSigned", "").split(","))
        same(named, sorted(name.lower() for name in trio))
    with lane.check("an algorithm hoisted and sent as an unsigned header as well is AccessDenied"):
        got = answer(raw, "GET", raw.presigned("GET", PATH, {}, alg), trio)
        same((got.status, got.code), (403, "AccessDenied"), repr(got))
        that(keys.ALG in got.error().get("HeadersNotSigned", "").lower(), repr(got))
    with lane.check("a pinned key is not replaced by another"):
        got = answer(raw, "GET", raw.presigned("GET", PATH, trio), keys.trio(keys.fresh()))
        same((got.status, got.code), (403, "SignatureDoesNotMatch"), repr(got))
    with lane.check("a hoisted algorithm is covered by the signature"):
        target = raw.presigned("GET", PATH, {}, alg).replace("algorithm=AES256", "algorithm=AES128")
        same(answer(raw, "GET", target, {keys.KEY: trio[keys.KEY]}).status, 403)
    with lane.check("the algorithm without a key is 400"):
        same(answer(raw, "GET", raw.presigned("GET", PATH, {}, alg), {}).status, 400)
    with lane.check("no key at all is 400, never 404"):
        same(answer(raw, "GET", raw.presigned("GET", PATH), {}).status, 400)
        same(answer(raw, "HEAD", raw.presigned("HEAD", PATH), {}).status, 400)
    with lane.check("a refused PUT stored nothing"):
        same(answer(raw, "GET", raw.presigned("GET", PATH, {}, trio), {}).body == BODY, True)


if __name__ == "__main__":
    main("presigned", run)
