"""Users, their access keys and how policies name them: by the commands beside the running server, judged by boto3.

A key is rotated as an operator does it: the next is added, the old one disabled, then removed.
"""
import configparser
import json
import subprocess

import keys
from checks import main, same, that
from server import REGION, Server

BUCKET = "identity-lane"
NUMBER = "123456789012"


def run(lane, given):
    """All checks."""
    with Server(given.bin) as server:
        root = server.boto3()
        root.create_bucket(Bucket=BUCKET)
        rotation(lane, server)
        principals(lane, server, root)
        other_apis(lane, server)


def command(server, *words):
    """Runs one command on the server's data directory; what it printed."""
    ended = subprocess.run([server.binary, *words, "--data-dir", str(server.data)], env=server.environment,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    same(ended.returncode, 0, f"{words}: {ended.stderr}")
    return ended.stdout


def added(server, *words):
    """The access key and secret that a command printed, once, in the format of AWS's credentials file."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(command(server, *words))
    section = parser[parser.sections()[0]]
    return section["aws_access_key_id"], section["aws_secret_access_key"]


def client(server, pair, service="s3"):
    """A boto3 client for a pair of keys."""
    import boto3
    import botocore.config
    return boto3.client(service, endpoint_url=server.endpoint, region_name=REGION, verify=str(server.ca),
                        aws_access_key_id=pair[0], aws_secret_access_key=pair[1],
                        config=botocore.config.Config(retries={"total_max_attempts": 1},
                                                      signature_version="s3v4" if service == "s3" else None))


def refused(call, status, code):
    """Has a call refused with this status and code; the message."""
    from botocore.exceptions import ClientError
    try:
        call()
    except ClientError as error:
        got = error.response
        told = got["Error"]
        same((got["ResponseMetadata"]["HTTPStatusCode"], told["Code"]), (status, code), str(got)[:400])
        return told["Message"]
    raise AssertionError(f"succeeded instead of {status} {code}")


def rotation(lane, server):
    """One user, two keys."""
    old = added(server, "user", "add", "alice")
    mine = {"Bucket": "alice-bucket", "Key": "sealed"} | keys.boto(keys.fresh())
    with lane.check("a second key is the same user"):
        client(server, old).create_bucket(Bucket="alice-bucket")
        client(server, old).put_object(Body=b"x", **mine)
        new = added(server, "key", "add", "alice")
        same(client(server, new).get_object(**mine)["Body"].read(), b"x")
    with lane.check("the list names keys and no secret"):
        listed = command(server, "key", "list", "alice")
        rows = sorted(line.split("\t") for line in listed.splitlines())
        same(rows, sorted([pair[0], "alice", "enabled"] for pair in (old, new)))
        that(not any(pair[1] in listed for pair in (old, new)), "a secret is listed")
    with lane.check("a disabled key is unknown from the next request, on a connection that stands"):
        standing = client(server, old)
        standing.get_object(**mine)
        command(server, "key", "disable", old[0])
        refused(lambda: standing.get_object(**mine), 403, "InvalidAccessKeyId")
        client(server, new).get_object(**mine)
        url = standing.generate_presigned_url("list_objects_v2", Params={"Bucket": "alice-bucket"})
        that("InvalidAccessKeyId" in fetch(server, url), "its presigned URLs work still")
    with lane.check("an enabled key signs again, a removed one never"):
        command(server, "key", "enable", old[0])
        standing.get_object(**mine)
        command(server, "key", "remove", old[0])
        refused(lambda: standing.get_object(**mine), 403, "InvalidAccessKeyId")
    with lane.check("a user outlives its last key, and its removal takes all keys"):
        command(server, "key", "remove", new[0])
        same(command(server, "key", "list", "alice"), "")
        again = [added(server, "key", "add", "alice") for _ in range(2)]
        client(server, again[0]).get_object(**mine)
        command(server, "user", "remove", "alice")
        for pair in again:
            refused(lambda pair=pair: client(server, pair).get_object(**mine), 403, "InvalidAccessKeyId")
        same(command(server, "key", "list"), "")


def fetch(server, url):
    """The body of an answer to a plain GET."""
    import http.client
    import urllib.parse
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=30, context=server.tls())
    connection.request("GET", f"{parts.path}?{parts.query}")
    return connection.getresponse().read().decode()


def principals(lane, server, root):
    """What a bucket policy may call an account."""
    numbered = client(server, added(server, "user", "add", "backup", "--id", NUMBER))
    other = client(server, added(server, "user", "add", "other"))
    canonical = next(line.split("\t")[1] for line in command(server, "user", "list").splitlines() if line.startswith("other\t"))
    root.put_object(Bucket=BUCKET, Key="k", Body=b"x")

    def allow(principal):
        statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        root.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    for principal in ({"AWS": NUMBER}, {"AWS": f"arn:aws:iam::{NUMBER}:root"}, {"CanonicalUser": NUMBER}):
        with lane.check(f"an account number is a principal: {json.dumps(principal)}"):
            allow(principal)
            numbered.get_object(Bucket=BUCKET, Key="k")
            refused(lambda: other.get_object(Bucket=BUCKET, Key="k"), 403, "AccessDenied")
    with lane.check("a canonical user id is a principal"):
        allow({"CanonicalUser": canonical})
        other.get_object(Bucket=BUCKET, Key="k")
        refused(lambda: numbered.get_object(Bucket=BUCKET, Key="k"), 403, "AccessDenied")
    with lane.check("an account number is an expected owner"):
        numbered.create_bucket(Bucket="numbered-bucket")
        numbered.head_bucket(Bucket="numbered-bucket", ExpectedBucketOwner=NUMBER)
        refused(lambda: numbered.list_objects_v2(Bucket="numbered-bucket", ExpectedBucketOwner=NUMBER[::-1]), 403, "AccessDenied")


def other_apis(lane, server):
    """STS and IAM, as boto3 asks them."""
    pair = server.credentials()
    with lane.check("STS is 501 with a text that says where users are managed"):
        sts = client(server, pair, "sts")
        text = refused(sts.get_caller_identity, 501, "NotImplemented")
        that("strongroom key" in text, text)
    with lane.check("IAM is 501"):
        refused(client(server, pair, "iam").list_users, 501, "NotImplemented")


if __name__ == "__main__":
    main("identity", run)
