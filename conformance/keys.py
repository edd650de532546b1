"""Customer keys, and the headers that carry them."""
import base64
import hashlib
import os

PREFIX = "x-amz-server-side-encryption-customer-"
ALG, KEY, MD5 = PREFIX + "algorithm", PREFIX + "key", PREFIX + "key-MD5"
SSE = "x-amz-server-side-encryption"


def b64(raw):
    """Base64 as text."""
    return base64.b64encode(raw).decode()


def md5(raw):
    """The base64 of the MD5, as the headers want it."""
    return b64(hashlib.md5(raw).digest())


def trio(key):
    """The three headers for a raw key."""
    return {ALG: "AES256", KEY: b64(key), MD5: md5(key)}


def source_trio(key):
    """The three headers for the raw key of a copy's source."""
    return {name.replace("x-amz-", "x-amz-copy-source-"): value for name, value in trio(key).items()}


def boto(key):
    """The three parameters of boto3, already encoded, so that botocore sends them as they are."""
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b64(key), "SSECustomerKeyMD5": md5(key)}


def boto_source(key):
    """The three parameters of boto3 for the key of a copy's source."""
    return {"CopySource" + name: value for name, value in boto(key).items()}


def fresh():
    """A new random key."""
    return os.urandom(32)
