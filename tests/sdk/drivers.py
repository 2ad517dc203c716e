"""One interface over the SDKs: call(version, action, params) -> the answer as a dict, or Refused.

Parameters are given by their names on the wire, with lists and objects nested as in the SDK's own request models.
"""

import importlib
import inspect
import json
import os
import re
import subprocess
import typing
from pathlib import Path

LIVE = "2016-11-01"
VOD = "2017-03-21"
PRODUCT = {LIVE: "live", VOD: "vod"}

ENDPOINT = os.environ.get("REPRISE_ENDPOINT", "127.0.0.1:8080")
KEY_ID = os.environ.get("REPRISE_KEY_ID", "")
KEY_SECRET = os.environ.get("REPRISE_KEY_SECRET", "")


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


def snake(name):
    """BatchSetLiveDomainConfigs -> batch_set_live_domain_configs, GetURLUploadInfos -> get_urlupload_infos."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def flat(params):
    """Lists and objects in the repeat form: RecordFormat.1.Format."""
    out = {}

    def put(name, value):
        if isinstance(value, dict):
            for member, inner in value.items():
                put(f"{name}.{member}", inner)
        elif isinstance(value, list):
            for index, inner in enumerate(value, 1):
                put(f"{name}.{index}", inner)
        else:
            out[name] = value

    for name, value in params.items():
        put(name, value)
    return out


class Tea:
    """The current Python SDKs. Every answer has to fill the typed model completely and with the declared types."""

    def __init__(self, secret=None, algorithm=None, key_id=None, token=None):
        from alibabacloud_tea_openapi.models import Config

        self.name = f"tea-{algorithm or 'acs3'}"
        self.clients = {}
        for version, package in ((LIVE, "alibabacloud_live20161101"), (VOD, "alibabacloud_vod20170321")):
            config = Config(
                access_key_id=key_id or KEY_ID,
                access_key_secret=secret or KEY_SECRET,
                security_token=token,
                endpoint=ENDPOINT,
                protocol="http",
                region_id="cn-shanghai",
                signature_algorithm=algorithm,
                read_timeout=10_000,
            )
            client = importlib.import_module(f"{package}.client").Client(config)
            self.clients[version] = (client, importlib.import_module(f"{package}.models"))

    def call(self, version, action, **params):
        from alibabacloud_tea_openapi.exceptions import ClientException, ServerException

        client, models = self.clients[version]
        if not hasattr(models, f"{action}Request"):
            return self.call_generic(client, version, action, params)
        request = getattr(models, f"{action}Request")()
        request.from_map(params)
        raw = {}

        def keep(answer):
            raw.update(answer)
            return answer

        call_api, client.call_api = client.call_api, lambda *args: keep(type(client).call_api(client, *args))
        try:
            response = getattr(client, snake(action))(request)
        except (ClientException, ServerException) as error:
            raise Refused(error.status_code, error.code, error.message) from error
        finally:
            client.call_api = call_api
        assert response.status_code == 200
        check_types(response.body, action)
        # What the model does not know, or has in another place, would be missing here.
        check_kept(raw["body"], response.body.to_map(), action)
        return raw["body"]


    def call_generic(self, client, version, action, params):
        """An operation that the SDK has no model of, as its documentation says to call one."""
        from alibabacloud_tea_openapi import utils_models
        from alibabacloud_tea_openapi.exceptions import ClientException, ServerException
        from darabonba.runtime import RuntimeOptions

        how = utils_models.Params(
            action=action,
            version=version,
            protocol="HTTP",
            method="POST",
            auth_type="AK",
            style="RPC",
            pathname="/",
            req_body_type="formData",
            body_type="json",
        )
        request = utils_models.OpenApiRequest(query={name: str(value) for name, value in flat(params).items()})
        try:
            return client.call_api(how, request, RuntimeOptions())["body"]
        except (ClientException, ServerException) as error:
            raise Refused(error.status_code, error.code, error.message) from error


def check_types(value, where):
    """Each attribute that is set has the type that the model declares."""
    hints = inspect.signature(type(value).__init__).parameters
    models = importlib.import_module(type(value).__module__.rsplit(".models", 1)[0] + ".models")
    scope = {"main_models": models, "List": typing.List, "Dict": typing.Dict, "Any": typing.Any}
    for name, attribute in vars(value).items():
        if name.startswith("_") or name not in hints or attribute is None:
            continue
        declared = hints[name].annotation
        declared = eval(declared, scope) if isinstance(declared, str) else declared
        check_type(attribute, declared, f"{where}.{name}")


def check_type(value, declared, where):
    if typing.get_origin(declared) is list:
        assert isinstance(value, list), f"{where} is {type(value).__name__}, a list is declared"
        for index, item in enumerate(value):
            check_type(item, typing.get_args(declared)[0], f"{where}[{index}]")
    elif inspect.isclass(declared) and declared.__module__.startswith("alibabacloud"):
        assert isinstance(value, declared), f"{where} is {type(value).__name__}, {declared.__name__} is declared"
        check_types(value, where)
    elif declared is float:
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{where} is {value!r}, a float is declared"
    elif declared in (str, int, bool):
        assert type(value) is declared, f"{where} is {value!r}, {declared.__name__} is declared"


def check_kept(raw, kept, where):
    if isinstance(raw, dict):
        for name, value in raw.items():
            assert name in kept, f"the model does not know {where}.{name}"
            check_kept(value, kept[name], f"{where}.{name}")
    elif isinstance(raw, list):
        assert len(raw) == len(kept), where
        for index, (ours, theirs) in enumerate(zip(raw, kept)):
            check_kept(ours, theirs, f"{where}[{index}]")
    else:
        assert raw == kept, f"{where}: {raw!r} became {kept!r}"


class Classic:
    """The older Python SDKs: generated requests where there is one, CommonRequest else."""

    name = "classic"

    def __init__(self, secret=None, key_id=None, token=None):
        from aliyunsdkcore.auth.credentials import StsTokenCredential
        from aliyunsdkcore.client import AcsClient

        keys = (key_id or KEY_ID, secret or KEY_SECRET)
        how = {"region_id": "cn-shanghai", "timeout": 10, "max_retry_time": 1}
        self.client = AcsClient(credential=StsTokenCredential(*keys, token), **how) if token else AcsClient(*keys, **how)

    def call(self, version, action, **params):
        from aliyunsdkcore.acs_exception.exceptions import ServerException
        from aliyunsdkcore.request import CommonRequest

        product = PRODUCT[version]
        module = f"aliyunsdk{product}.request.v{version.replace('-', '')}.{action}Request"
        try:
            request = getattr(importlib.import_module(module), f"{action}Request")()
            request.set_endpoint(ENDPOINT)
        except ModuleNotFoundError:
            request = CommonRequest(domain=ENDPOINT, version=version, action_name=action)
            request.set_protocol_type("http")
        request.set_accept_format("json")
        for name, value in flat(params).items():
            request.add_query_param(name, value)
        try:
            return json.loads(self.client.do_action_with_exception(request))
        except ServerException as error:
            raise Refused(error.get_http_status(), error.get_error_code(), error.get_error_msg()) from error


class Pop:
    """pop-core, which puts everything into the query or, with POST, everything into the body."""

    def __init__(self, method, secret=None):
        self.name, self.method, self.secret = f"pop-{method.lower()}", method, secret
        self.process = subprocess.Popen(
            ["node", str(Path(__file__).with_name("pop.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"REPRISE_ENDPOINT": ENDPOINT, "REPRISE_KEY_ID": KEY_ID, "REPRISE_KEY_SECRET": KEY_SECRET},
        )

    def call(self, version, action, **params):
        request = {"version": version, "action": action, "params": flat(params), "method": self.method}
        if self.secret:
            request["secret"] = self.secret
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "ok" in answer:
            return answer["ok"]
        raise Refused(answer["status"], answer["code"], answer["message"])

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


def players(key_id, secret, token):
    """Calls of VOD with temporary keys, in each way of signing, with parameters that no model has: (action, params) -> the answer."""

    def generic(tea):
        client, _ = tea.clients[VOD]
        return lambda action, **params: tea.call_generic(client, VOD, action, params)

    for algorithm in (None, "v2"):
        yield generic(Tea(secret, algorithm, key_id, token))
    classic = Classic(secret, key_id, token)
    yield lambda action, **params: classic.call(VOD, action, **params)


def make(name, secret=None):
    """The driver of this name."""
    return {
        "tea-acs3": lambda: Tea(secret),
        "tea-v2": lambda: Tea(secret, "v2"),
        "classic": lambda: Classic(secret),
        "pop-get": lambda: Pop("GET", secret),
        "pop-post": lambda: Pop("POST", secret),
    }[name]()


NAMES = ["tea-acs3", "tea-v2", "classic"] + (["pop-get", "pop-post"] if os.environ.get("POP_CORE_HOME") else [])
