"""Pictures and attached media, sources that go alone, and what was played, against a running server."""

import json
import time
import urllib.error
import urllib.request

import pytest

from drivers import LIVE, VOD, Refused
from test_uploads import bucket, clip, create, playable, pytestmark  # noqa: F401

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6364f8cf500f000386018"
    "05a347d6b0000000049454e44ae426082"
)
SUBTITLES = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def gone(url):
    """What was deleted is not served a second later."""
    deadline = time.monotonic() + 30
    while status(url) != 404:
        assert time.monotonic() < deadline, url
        time.sleep(0.2)


def test_a_picture_is_sent_found_and_deleted(sdk):
    told = sdk.call(VOD, "CreateUploadImage", ImageType="default", ImageExt="png", Title="logo", Tags="a,b")
    store, key = bucket(told)
    store.put_object(key, PNG)
    info = sdk.call(VOD, "GetImageInfo", ImageId=told["ImageId"])["ImageInfo"]
    assert (info["Title"], info["Status"]) == ("logo", "Normal")
    assert status(info["URL"]) == 200
    update = [{"ImageId": told["ImageId"], "Title": "other"}]
    sdk.call(VOD, "UpdateImageInfos", UpdateContent=json.dumps(update))
    infos = sdk.call(VOD, "GetImageInfos", ImageIds=f"{told['ImageId']},none")
    assert [one["Title"] for one in infos["ImageInfo"]] == ["other"] and infos["NonExistImageIds"] == ["none"]
    # It is a watermark as well.
    mark = sdk.call(VOD, "AddWatermark", Name="logo", Type="Image", FileUrl=info["URL"], WatermarkConfig="{}")
    sdk.call(VOD, "DeleteWatermark", WatermarkId=mark["WatermarkInfo"]["WatermarkId"])
    sdk.call(VOD, "DeleteImage", DeleteImageType="ImageId", ImageIds=told["ImageId"])
    gone(info["URL"])


def test_attached_subtitles_are_drawn(sdk, clip):  # noqa: F811
    told = sdk.call(VOD, "CreateUploadAttachedMedia", BusinessType="subtitle", MediaExt="srt", Title="words")
    store, key = bucket(told)
    store.put_object(key, SUBTITLES.encode())
    (media,) = sdk.call(VOD, "GetAttachedMediaInfo", MediaIds=told["MediaId"])["AttachedMediaList"]
    assert (media["Title"], media["Status"]) == ("words", "Normal")
    sdk.call(VOD, "UpdateAttachedMediaInfos", UpdateContent=json.dumps([{"MediaId": told["MediaId"], "Title": "other"}]))
    template = {
        "TemplateName": "titled", "Definition": "LD", "Video": {"Codec": "H.264", "Width": "320", "Preset": "veryfast"},
        "Audio": {"Codec": "AAC"}, "Container": {"Format": "mp4"}, "SubtitleList": [{"SubtitleUrl": media["URL"]}],
    }
    added = sdk.call(VOD, "AddTranscodeTemplateGroup", Name="titled", TranscodeTemplateList=json.dumps([template]))
    sdk.call(VOD, "DeleteTranscodeTemplateGroup", TranscodeTemplateGroupId=added["TranscodeTemplateGroupId"], ForceDelGroup="true")
    sdk.call(VOD, "DeleteAttachedMedia", MediaIds=told["MediaId"])
    gone(media["URL"])


def test_a_source_goes_alone_and_plays_are_counted(sdk, clip):  # noqa: F811
    video, (store, key) = create(sdk)
    store.put_object_from_file(key, str(clip))
    playable(sdk, video)
    (stream,) = sdk.call(VOD, "GetPlayInfo", VideoId=video)["PlayInfoList"]["PlayInfo"]
    assert status(stream["PlayURL"]) == 200
    # The source is what is played: it goes with force alone.
    kept = sdk.call(VOD, "DeleteMezzanines", VideoIds=f"{video},none")
    assert kept["UnRemoveableVideoIds"] == [video] and kept["NonExistVideoIds"] == ["none"]
    # What is being made of it, a cover, comes first.
    deadline = time.monotonic() + 60
    while sdk.call(VOD, "DeleteMezzanines", VideoIds=video, Force=True)["UnRemoveableVideoIds"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert sdk.call(VOD, "GetMezzanineInfo", VideoId=video)["Mezzanine"]["Status"] == "Deleted"
    sdk.call(VOD, "DeleteVideo", VideoIds=video)


def test_files_are_registered_once(sdk, clip):  # noqa: F811
    told = sdk.call(VOD, "CreateUploadAttachedMedia", BusinessType="material", MediaExt="mp4", Title="clip")
    store, key = bucket(told)
    store.put_object_from_file(key, str(clip))
    wanted = json.dumps([{"FileURL": told["FileURL"], "Title": "registered"}])
    registered = sdk.call(VOD, "RegisterMedia", RegisterMetadatas=wanted, TemplateGroupId="VOD_NO_TRANSCODE")
    (media,) = registered["RegisteredMediaList"]
    assert media["NewRegister"] and playable(sdk, media["MediaId"])["Title"] == "registered"
    again = sdk.call(VOD, "RegisterMedia", RegisterMetadatas=wanted)["RegisteredMediaList"]
    assert (again[0]["MediaId"], again[0]["NewRegister"]) == (media["MediaId"], False)
    sdk.call(VOD, "DeleteVideo", VideoIds=media["MediaId"])
    sdk.call(VOD, "DeleteAttachedMedia", MediaIds=told["MediaId"])


def test_what_was_recorded_is_told_by_time(sdk):
    stream = {"DomainName": "play.localhost", "AppName": "sdk", "StreamName": "nobody"}
    window = {"StartTime": "2026-11-01T00:00:00Z", "EndTime": "2026-11-02T00:00:00Z"}
    content = sdk.call(LIVE, "DescribeLiveStreamRecordContent", **stream, **window)["RecordContentInfoList"]
    assert content["RecordContentInfo"] == []
    listed = sdk.call(LIVE, "DescribeLiveStreamRecordIndexFiles", **stream, **window)
    assert (listed["TotalNum"], listed["RecordIndexInfoList"]["RecordIndexInfo"]) == (0, [])
    count = sdk.call(LIVE, "DescribeLiveStreamCount", DomainName="play.localhost")["StreamCountInfos"]
    assert isinstance(count["StreamCountInfo"], list)
    history = sdk.call(LIVE, "DescribeLiveStreamsControlHistory", DomainName="play.localhost", **window)
    assert history["ControlInfo"]["LiveStreamControlInfo"] == []
    with pytest.raises(Refused) as refused:
        sdk.call(LIVE, "DescribeLiveStreamRecordIndexFile", **stream, RecordId="0" * 31 + "1")
    assert refused.value.status == 404
