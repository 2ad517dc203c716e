"""Requests that no SDK sends: always the contract's error, as JSON, never a 5xx, and the server goes on."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse
import uuid

import pytest

from drivers import ENDPOINT, KEY_ID, KEY_SECRET, LIVE, VOD


def quote(text):
    return urllib.parse.quote(str(text), safe="-_.~")


def signed(method, version, action, secret=KEY_SECRET, at=None, **params):
    """A query signed with Signature V1, written from the documentation and not from our code."""
    at = at or datetime.datetime.now(datetime.timezone.utc)
    everything = {
        "AccessKeyId": KEY_ID,
        "Action": action,
        "Version": version,
        "Format": "JSON",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    } | params
    canonical = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(everything.items()))
    text = f"{method}&%2F&{quote(canonical)}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return f"{canonical}&Signature={quote(base64.b64encode(digest).decode())}"


def send(method="GET", query="", body=None, headers=None):
    """Status and JSON body."""
    connection = http.client.HTTPConnection(ENDPOINT, timeout=30)
    try:
        connection.request(method, f"/?{query}" if query else "/", body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.getheader("content-type") == "application/json;charset=utf-8", text
        told = json.loads(text)
        assert told["RequestId"]
        return answer.status, told
    finally:
        connection.close()


def code(answer):
    return answer[0], answer[1].get("Code")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def the_server_goes_on():
    yield
    assert code(send(query=signed("GET", VOD, "GetVideoList"))) == (200, None)


def test_a_wrong_signature_is_told_our_string_to_sign():
    status, told = send(query=signed("GET", VOD, "GetVideoList", secret="wrong"))
    assert (status, told["Code"]) == (400, "SignatureDoesNotMatch")
    assert "server string to sign is:GET&%2F&" in told["Message"]


def test_an_unknown_key():
    assert code(send(query=signed("GET", VOD, "GetVideoList", AccessKeyId="nobody"))) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_stale_clock(minutes):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    assert code(send(query=signed("GET", VOD, "GetVideoList", at=at))) == (400, "InvalidTimeStamp.Expired")


def test_a_replay():
    query = signed("GET", VOD, "GetVideoList")
    assert send(query=query)[0] == 200
    assert code(send(query=query)) == (400, "SignatureNonceUsed")


@pytest.mark.parametrize("version, action, wanted", [
    (VOD, "NoSuchOperation", (404, "InvalidAction.NotFound")),
    (LIVE, "GetPlayInfo", (404, "InvalidAction.NotFound")),
    ("2001-01-01", "GetPlayInfo", (400, "InvalidVersion")),
])
def test_unknown_operations(version, action, wanted):
    assert code(send(query=signed("GET", version, action))) == wanted


@pytest.mark.parametrize("size", [(1 << 20) + 1, 10 << 20])
def test_bodies_that_are_too_large(size):
    assert code(send("POST", body=b"a" * size, headers=FORM)) == (400, "InvalidParameter")


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"A=%ff%fe", b"A=1&A=2", b"&=&=&", b"{}", b"%", b"a=" + b"%" * 5000])
def test_bodies_that_are_no_form(body):
    assert send("POST", body=body, headers=FORM)[0] == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(method):
    assert code(send(method)) == (400, "UnsupportedHTTPMethod")


def test_dozens_of_headers():
    answer = send(headers={f"X-Header-{index}": "value" for index in range(90)})
    assert code(answer) == (400, "MissingParameter")


@pytest.mark.parametrize("authorization", ["Bearer x", "ACS3-HMAC-SM3 Credential=a,SignedHeaders=b,Signature=c"])
def test_other_signature_methods(authorization):
    assert code(send(headers={"Authorization": authorization})) == (400, "InvalidSignatureMethod")


@pytest.mark.parametrize("authorization", ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b"])
def test_authorizations_that_lack_parts(authorization):
    assert code(send("POST", headers={"Authorization": authorization})) == (400, "IncompleteSignature")


@pytest.mark.parametrize("params", [
    {"PageSize": "99999999999999999999"},
    {"PageNo": "-1"},
    {"PageSize": "ten"},
    {"CateId": "\0"},
    {"StartTime": "2026-02-30T00:00:00Z"},
    {"Status": "Nice"},
    {"SortBy": "🦀" * 100},
])
def test_absurd_parameters(params):
    assert code(send(query=signed("GET", VOD, "GetVideoList", **params))) == (400, "InvalidParameter")


def test_deep_json_is_refused():
    answer = send("POST", body=signed("POST", LIVE, "BatchSetLiveDomainConfigs", DomainNames="a.b", Functions="[" * 100_000), headers=FORM)
    assert code(answer) == (400, "InvalidParameter")
