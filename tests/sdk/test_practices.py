"""The practices of live-to-VOD, end to end: real pushes, the SDKs' own requests, and a receiver that believes nothing.

1: record and transcode · 2: only store, transcode on request · 3a: compose and transcode · 3b: compose, transcode on request.
They need REPRISE_RTMP, ffmpeg, and a server whose cycles may be short (REPRISE_CYCLE_SECONDS), as run.py --server starts one.
"""

import collections
import datetime
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
import uuid

import pytest

import drivers
from drivers import LIVE, VOD
from test_operations import push_command

RUN = uuid.uuid4().hex[:8]
PLAY_DOMAIN = os.environ.get("REPRISE_PLAY_DOMAIN", "play.localhost")
AUTH_KEY = "SmallAndCapital0123456789"
CYCLE = int(os.environ.get("REPRISE_CYCLE_SECONDS", "0"))
DELAY = int(os.environ.get("REPRISE_DELAY_SECONDS", "15"))
# Two cycles and a bit of a third.
SECONDS = 2 * CYCLE + 1
# Encoding takes long on a machine that does other things; nothing is judged by the time it takes.
PATIENCE = 180

pytestmark = pytest.mark.skipif(
    not (CYCLE and os.environ.get("REPRISE_RTMP") and shutil.which("ffmpeg")),
    reason="cycles of this server are too long to be waited for, or there is no ffmpeg",
)

COMMON = {"EventType": str, "EventTime": str, "Status": str, "VideoId": str}
SOURCE = {"StreamName": str, "AppName": str, "DomainName": str}
STREAM = {
    "Bitrate": str, "Definition": str, "Duration": float, "Encrypt": bool, "FileUrl": str, "Format": str, "Fps": str,
    "Height": int, "Width": int, "Size": int, "JobId": str, "Status": str,
}  # fmt: skip
# Every field that an event of a success has beside what streams have, and its type (contract §3.3); only `Extend` may be there too.
FIELDS = {
    "AddLiveRecordVideoComplete": SOURCE | {"RecordStartTime": str, "RecordEndTime": str},
    "LiveRecordVideoComposeStart": SOURCE,
    "FileUploadComplete": {"Size": int, "FileUrl": str},
    "VideoAnalysisComplete": dict.fromkeys(["Width", "Height", "Duration", "Bitrate", "Fps", "Size"], str),
    "SnapshotComplete": {"CoverUrl": str, "SnapshotInfos": list},
    "TranscodeComplete": {"StreamInfos": list},
}
SNAPSHOT = {
    "Status": str, "SnapshotType": str, "SnapshotCount": int, "SnapshotFormat": str, "SnapshotRegular": str, "JobId": str,
}  # fmt: skip


class Receiver:
    """Takes callbacks, and keeps what is wrong with any of them.

    Who sets an address is also told what was owed until then, of videos of other tests: their form is not judged here.
    """

    def __init__(self):
        self.told, self.faults, self.changed = [], [], threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(self.path, self.headers, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        event = json.loads(body)
        wrong = [f"{event.get('EventType')}: {reason}" for reason in [*signature(self.base + path, headers), *form(event)]]
        with self.changed:
            self.faults += [(event, reason) for reason in wrong]
            # At least once: a repeat is the same.
            if event not in self.told:
                self.told.append(event)
            self.changed.notify_all()

    def events(self, **wanted):
        with self.changed:
            return [event for event in self.told if all(event.get(name) == value for name, value in wanted.items())]

    def wait(self, count, **wanted):
        """The events with these fields, once there are so many."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                found = [event for event in self.told if all(event.get(name) == value for name, value in wanted.items())]
                if len(found) >= count:
                    return found
                assert self.changed.wait(deadline - time.monotonic()), f"{wanted}: {found}, of {self.told}"

    def wrong(self):
        """What is wrong with events of this run's recordings, or of no video at all."""
        with self.changed:
            ours = {event.get("VideoId") for event in self.told if event.get("StreamName", "").endswith(RUN)}
            about = lambda event: event.get("VideoId") or event.get("MediaId")
            return [reason for event, reason in self.faults if about(event) is None or about(event) in ours]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature(url, headers):
    """What is wrong with a signature (contract §3.1)."""
    stamp = headers.get("X-VOD-TIMESTAMP", "")
    if not (len(stamp) == 10 and stamp.isdigit() and abs(time.time() - int(stamp)) < 300):
        yield f"its time stamp is {stamp!r}"
    wanted = hashlib.md5(f"{url}|{stamp}|{AUTH_KEY}".encode()).hexdigest()
    if headers.get("X-VOD-SIGNATURE") != wanted:
        yield f"its signature is {headers.get('X-VOD-SIGNATURE')!r}, {wanted} is due"


def form(event):
    """What is wrong with the fields of an event."""
    kind = event.get("EventType")
    fields = COMMON | (of_stream(event) if kind == "StreamTranscodeComplete" else FIELDS.get(kind, {}))
    yield from shape(event, fields)
    for info in event.get("SnapshotInfos", []):
        yield from shape(info, SNAPSHOT)
    for info in event.get("StreamInfos", []):
        yield from shape(info, of_stream(info))
    try:
        datetime.datetime.strptime(event["EventTime"], "%Y-%m-%dT%H:%M:%SZ")
    except (KeyError, ValueError) as error:
        yield f"EventTime: {error}"
    if event.get("Status") != "success":
        yield f"it tells {event}"


def of_stream(told):
    """What is told of a stream: where there are no pictures, nothing of them."""
    alone = told.get("Definition") in ("SQ", "HQ")
    return {name: kind for name, kind in STREAM.items() if not (alone and name in ("Fps", "Height", "Width"))}


def shape(event, fields):
    for name, kind in fields.items():
        value = event.get(name)
        right = isinstance(value, (int, float)) and not isinstance(value, bool) if kind is float else type(value) is kind
        if not right:
            yield f"{name} is {value!r}"
    for name in event.keys() - fields.keys() - {"Extend"}:
        yield f"nobody knows {name}"


class Practice:
    """One stream under one rule, told to a URL of its own."""

    def __init__(self, name, driver, receiver, **rule):
        self.stream, self.receiver, self.sdk = f"{name}-{RUN}", receiver, drivers.make(driver)
        self.url = f"{receiver.base}/{self.stream}?who=practice"
        self.key = {"DomainName": PLAY_DOMAIN, "AppName": "practice", "StreamName": self.stream}
        callback = {"CallbackType": "HTTP", "CallbackURL": self.url, "AuthSwitch": "on", "AuthKey": AUTH_KEY}
        self.sdk.call(VOD, "SetMessageCallback", EventTypeList="ALL", **callback)
        self.sdk.call(LIVE, "AddLiveRecordVodConfig", **self.key, CycleDuration=CYCLE, DelayTime=DELAY, **rule)
        command = push_command(f"{os.environ['REPRISE_RTMP']}/practice/{self.stream}", SECONDS)
        subprocess.run(command, check=True, timeout=PATIENCE)

    def cycles(self):
        """The videos of the cycles, when all are there."""
        of_this = {"StreamName": self.stream, "EventType": "AddLiveRecordVideoComplete"}
        told = self.receiver.wait(3, **of_this)
        assert len(told) == 3 and len({event["VideoId"] for event in told}) == 3
        for event in told:
            assert (event["AppName"], event["DomainName"]) == ("practice", PLAY_DOMAIN)
            assert event["RecordStartTime"] < event["RecordEndTime"] or event is told[-1]
        return [event["VideoId"] for event in told]

    def composed(self):
        (event,) = self.receiver.wait(1, StreamName=self.stream, EventType="LiveRecordVideoComposeStart")
        return event["VideoId"]

    def close(self):
        self.sdk.call(LIVE, "DeleteLiveRecordVodConfig", **self.key)
        self.sdk.call(VOD, "DeleteMessageCallback")


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()
    assert receiver.wrong() == []


@pytest.fixture
def practice(receiver):
    made = []

    def make(*args, **rule):
        made.append(Practice(*args, receiver=receiver, **rule))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def group():
    """A ladder of two, and sound alone."""
    tea = drivers.make("tea-acs3")
    video = {"Codec": "H.264", "Bitrate": "300", "Preset": "veryfast"}
    audio = {"Codec": "AAC", "Bitrate": "64", "Samplerate": "44100"}
    templates = [
        {"Definition": "SD", "Video": video | {"Width": "320"}, "Audio": audio, "Container": {"Format": "mp4"}},
        {"Definition": "LD", "Video": video | {"Width": "160"}, "Audio": audio, "Container": {"Format": "m3u8"}},
        {"Definition": "SQ", "Audio": audio, "Video": {"Remove": "true"}, "Container": {"Format": "mp4"}},
    ]
    for number, template in enumerate(templates):
        template["TemplateName"] = f"practice-{number}"
    told = tea.call(VOD, "AddTranscodeTemplateGroup", Name=f"practices-{RUN}", TranscodeTemplateList=json.dumps(templates))
    yield told["TranscodeTemplateGroupId"]
    tea.call(VOD, "DeleteTranscodeTemplateGroup", TranscodeTemplateGroupId=told["TranscodeTemplateGroupId"], ForceDelGroup="true")


STREAMS = 3


def transcoded(practice, video, first, extend=None):
    """A video was transcoded: told in order, listed, and each stream plays to its end. `first` is what had to be told before."""
    receiver = practice.receiver
    (complete,) = receiver.wait(1, VideoId=video, EventType="TranscodeComplete")
    receiver.wait(1, VideoId=video, EventType="SnapshotComplete")
    told = receiver.events(VideoId=video)
    kinds = [event["EventType"] for event in told]
    assert kinds[: len(first)] == first, kinds
    count = collections.Counter(kinds)
    assert count["StreamTranscodeComplete"] == STREAMS and count["TranscodeComplete"] == 1, kinds
    streams = [event for event in told if event["EventType"] == "StreamTranscodeComplete"]
    assert max(map(told.index, streams)) < told.index(complete), kinds
    by_job = {info["JobId"]: info for info in complete["StreamInfos"]}
    for event in streams:
        assert by_job[event["JobId"]].items() <= event.items()
        assert "auth_key" not in event["FileUrl"]
    for event in [complete, *streams]:
        assert event.get("Extend") == extend
    # What was published without transcoding stays so beside the streams.
    listed = practice.sdk.call(VOD, "GetPlayInfo", VideoId=video)["PlayInfoList"]["PlayInfo"]
    played = [entry for entry in listed if entry["Definition"] != "OD"]
    assert {entry["JobId"] for entry in played} == by_job.keys()
    info = practice.sdk.call(VOD, "GetVideoInfo", VideoId=video)["Video"]
    assert info["Status"] == "Normal" and info["CoverURL"]
    for entry in listed:
        whole(entry["PlayURL"], float(info["Duration"]), sound_alone=entry["Format"] == "mp4" and entry["Width"] == 0)
    return played


def whole(url, seconds, sound_alone=False):
    """It opens, is as long as it should be, and decodes without a complaint."""
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_type", "-of", "json", url]
    said = json.loads(subprocess.run(probe, check=True, timeout=PATIENCE, capture_output=True).stdout)
    assert {stream["codec_type"] for stream in said["streams"]} == ({"audio"} if sound_alone else {"audio", "video"})
    assert abs(float(said["format"]["duration"]) - seconds) < 0.1, f"{url}: {said}"
    decode = ["ffmpeg", "-nostdin", "-v", "error", "-i", url, "-f", "null", "-"]
    assert subprocess.run(decode, check=True, timeout=PATIENCE, capture_output=True).stderr == b""


def stored_only(practice, video):
    """A video is there, plays as it was recorded, and nobody transcoded it."""
    practice.receiver.wait(1, VideoId=video, EventType="VideoAnalysisComplete")
    (entry,) = practice.sdk.call(VOD, "GetPlayInfo", VideoId=video)["PlayInfoList"]["PlayInfo"]
    assert entry["Definition"] == "OD"
    kinds = {event["EventType"] for event in practice.receiver.events(VideoId=video)}
    assert not kinds & {"StreamTranscodeComplete", "TranscodeComplete"}, kinds
    info = practice.sdk.call(VOD, "GetVideoInfo", VideoId=video)["Video"]
    assert info["Status"] == "Normal"
    whole(entry["PlayURL"], float(info["Duration"]))


def on_request(practice, video, group, first):
    """It is transcoded when somebody asks."""
    told = practice.sdk.call(
        VOD, "SubmitTranscodeJobs", VideoId=video, TemplateGroupId=group, UserData=json.dumps({"Extend": "by hand"})
    )
    jobs = {job["JobId"] for job in told["TranscodeJobs"]["TranscodeJob"]}
    assert len(jobs) == STREAMS
    played = transcoded(practice, video, first, extend="by hand")
    assert {entry["JobId"] for entry in played} == jobs
    (listed,) = practice.sdk.call(VOD, "ListTranscodeTask", VideoId=video)["TranscodeTaskList"]
    assert listed["TaskStatus"] == "CompleteAllSucc" and listed["TranscodeTaskId"] == told["TranscodeTaskId"]
    task = practice.sdk.call(VOD, "GetTranscodeTask", TranscodeTaskId=told["TranscodeTaskId"])["TranscodeTask"]
    assert {job["TranscodeJobId"] for job in task["TranscodeJobInfoList"]} == jobs


def test_record_and_transcode(practice, group):
    """Practice 1."""
    one = practice("auto", "tea-acs3", VodTranscodeGroupId=group)
    for video in one.cycles():
        transcoded(one, video, ["AddLiveRecordVideoComplete"])


def test_store_and_transcode_on_request(practice, group):
    """Practice 2."""
    one = practice("stored", "classic", VodTranscodeGroupId="VOD_NO_TRANSCODE")
    first, second, third = one.cycles()
    for video in (first, second, third):
        stored_only(one, video)
    on_request(one, second, group, ["AddLiveRecordVideoComplete"])
    for video in (first, third):
        stored_only(one, video)


def test_compose_and_transcode(practice, group):
    """Practice 3a."""
    rule = {"VodTranscodeGroupId": group, "AutoCompose": "ON", "ComposeVodTranscodeGroupId": group}
    one = practice("joined", "tea-v2", **rule)
    cycles = one.cycles()
    composed = one.composed()
    assert composed not in cycles
    transcoded(one, composed, ["LiveRecordVideoComposeStart", "FileUploadComplete"])
    for video in cycles:
        transcoded(one, video, ["AddLiveRecordVideoComplete"])
    as_long(one, composed, cycles)


def test_compose_and_transcode_on_request(practice, group):
    """Practice 3b."""
    rule = {"VodTranscodeGroupId": "VOD_NO_TRANSCODE", "AutoCompose": "ON", "ComposeVodTranscodeGroupId": "VOD_NO_TRANSCODE"}
    one = practice("joined-only", "tea-acs3", **rule)
    cycles = one.cycles()
    composed = one.composed()
    for video in [composed, *cycles]:
        stored_only(one, video)
    on_request(one, composed, group, ["LiveRecordVideoComposeStart", "FileUploadComplete"])
    as_long(one, composed, cycles)


def as_long(practice, composed, cycles):
    """A composed video is as long as its cycles together."""
    length = lambda video: float(practice.sdk.call(VOD, "GetVideoInfo", VideoId=video)["Video"]["Duration"])
    assert abs(length(composed) - sum(map(length, cycles))) < 0.1
