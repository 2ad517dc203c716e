"""Files that clients send with the store's own SDK, to where CreateUploadVideo says and with the key that it gives.

The files are made by ffmpeg; without it these tests are left out.
"""

import base64
import json
import shutil
import subprocess
import time

import oss2
import pytest

import drivers
from drivers import VOD, Refused

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def tea():
    return drivers.make("tea-acs3")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Six seconds of a picture that moves, and a tone."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6", "-f", "lavfi", "-i", "sine=duration=6"]
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac", path]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *source, *encode], check=True)
    return path


def create(sdk, **more):
    params = {"Title": "sent", "FileName": "clip.MP4", "TemplateGroupId": "VOD_NO_TRANSCODE"} | more
    told = sdk.call(VOD, "CreateUploadVideo", **params)
    return told["VideoId"], bucket(told)


def bucket(told):
    """The store's client, and the key of the object, as the vendor's uploaders make them."""
    address, auth = (json.loads(base64.b64decode(told[name])) for name in ("UploadAddress", "UploadAuth"))
    assert set(address) == {"Endpoint", "Bucket", "FileName"} and auth["Expiration"] == "3000"
    keys = oss2.StsAuth(auth["AccessKeyId"], auth["AccessKeySecret"], auth["SecurityToken"])
    return oss2.Bucket(keys, address["Endpoint"], address["Bucket"]), address["FileName"]


def playable(sdk, video):
    """What is told of a video, once it can be played."""
    deadline = time.monotonic() + 60
    while True:
        told = sdk.call(VOD, "GetVideoInfo", VideoId=video)["Video"]
        if told["Status"] == "Normal":
            return told
        assert told["Status"] in ("Uploading", "UploadSucc"), told
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def test_a_file_is_sent_whole(sdk, clip):
    video, (store, key) = create(sdk, UserData='{"Extend":"x"}', Tags="a,b")
    assert sdk.call(VOD, "GetVideoInfo", VideoId=video)["Video"]["Status"] == "Uploading"
    sent = store.put_object_from_file(key, str(clip))
    assert sent.status == 200 and sent.etag
    told = playable(sdk, video)
    assert told["Title"] == "sent" and told["Tags"] == "a,b" and abs(told["Duration"] - 6) < 0.1
    assert store.head_object(key).etag == sent.etag
    (stream,) = sdk.call(VOD, "GetPlayInfo", VideoId=video)["PlayInfoList"]["PlayInfo"]
    wrong = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", stream["PlayURL"], "-f", "null", "-"], capture_output=True)
    assert (wrong.returncode, wrong.stderr) == (0, b"")
    with pytest.raises(Refused) as refused:
        sdk.call(VOD, "RefreshUploadVideo", VideoId=video)
    assert refused.value.code == "Forbidden.IllegalStatus"
    sdk.call(VOD, "DeleteVideo", VideoIds=video)


def test_a_file_is_sent_in_parts_and_an_interrupted_one_goes_on(tea, clip):
    video, _ = create(tea)
    store, key = bucket(tea.call(VOD, "RefreshUploadVideo", VideoId=video))
    size, part = clip.stat().st_size, 100 * 1024
    upload = store.init_multipart_upload(key).upload_id
    count = -(-size // part)
    with clip.open("rb") as file:
        pieces = [file.read(part) for _ in range(count)]
    # One is sent twice, and all but the last before the interruption.
    store.upload_part(key, upload, 1, b"something else")
    for number, piece in enumerate(pieces[:-1], 1):
        store.upload_part(key, upload, number, piece)
    store, key = bucket(tea.call(VOD, "RefreshUploadVideo", VideoId=video))
    there = list(oss2.PartIterator(store, key, upload, max_parts=2))
    assert [(one.part_number, one.size) for one in there] == [(number, part) for number in range(1, count)]
    last = store.upload_part(key, upload, count, pieces[-1])
    parts = [oss2.models.PartInfo(one.part_number, one.etag) for one in there]
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        store.complete_multipart_upload(key, upload, [*parts, oss2.models.PartInfo(count, "0" * 32)])
    assert refused.value.code == "InvalidPart"
    done = store.complete_multipart_upload(key, upload, [*parts, oss2.models.PartInfo(count, last.etag)])
    again = store.complete_multipart_upload(key, upload, [*parts, oss2.models.PartInfo(count, last.etag)])
    assert done.etag == again.etag and done.etag.endswith(f"-{count}")
    assert abs(playable(tea, video)["Duration"] - 6) < 0.1
    tea.call(VOD, "DeleteVideo", VideoIds=video)


def test_the_client_that_resumes_by_itself_is_understood(tea, clip, tmp_path):
    video, (store, key) = create(tea)
    records = oss2.ResumableStore(root=str(tmp_path))
    oss2.resumable_upload(store, key, str(clip), store=records, multipart_threshold=1, part_size=128 * 1024, num_threads=3)
    assert abs(playable(tea, video)["Duration"] - 6) < 0.1
    tea.call(VOD, "DeleteVideo", VideoIds=video)


def test_an_upload_that_is_given_up_leaves_its_place(tea, clip):
    video, (store, key) = create(tea)
    upload = store.init_multipart_upload(key).upload_id
    store.upload_part(key, upload, 1, b"x" * 1000)
    store.abort_multipart_upload(key, upload)
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        store.upload_part(key, upload, 2, b"x")
    store.put_object_from_file(key, str(clip))
    playable(tea, video)
    tea.call(VOD, "DeleteVideo", VideoIds=video)


def test_a_key_opens_nothing_but_its_own_upload(tea, clip):
    (video, (store, key)), (other, (_, other_key)) = create(tea), create(tea)
    for wrong in (other_key, "x", key + "x", "../" + key):
        with pytest.raises(oss2.exceptions.OssError) as refused:
            store.put_object(wrong, b"x")
        assert refused.value.status in (403, 404), refused.value
    for changed in (oss2.StsAuth("STS.x", "wrong", "wrong"), oss2.Auth("STS.x", "wrong")):
        with pytest.raises(oss2.exceptions.OssError) as refused:
            oss2.Bucket(changed, store.endpoint, store.bucket_name).put_object(key, b"x")
        assert refused.value.status == 403
    with pytest.raises(oss2.exceptions.OssError) as refused:
        store.get_object(key)
    assert refused.value.status == 501
    for one in (video, other):
        assert tea.call(VOD, "GetVideoInfo", VideoId=one)["Video"]["Status"] == "Uploading"
        tea.call(VOD, "DeleteVideo", VideoIds=one)


def test_what_is_no_video_is_refused(tea):
    video, (store, key) = create(tea)
    store.put_object(key, b"no video at all" * 100)
    deadline = time.monotonic() + 60
    while tea.call(VOD, "GetVideoInfo", VideoId=video)["Video"]["Status"] != "UploadFail":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    tea.call(VOD, "DeleteVideo", VideoIds=video)
    with pytest.raises(Refused) as refused:
        create(tea, FileName="clip")
    assert refused.value.code == "InvalidFileName.Extension"
    with pytest.raises(Refused) as refused:
        create(tea, TemplateGroupId="nobody")
    assert refused.value.code == "InvalidTemplateGroupId.NotFound"


def test_files_are_pulled(sdk, tea, clip):
    """From this very server: an MP4 of a video that it has."""
    video, (store, key) = create(tea)
    store.put_object_from_file(key, str(clip))
    playable(tea, video)
    (stream,) = tea.call(VOD, "GetPlayInfo", VideoId=video)["PlayInfoList"]["PlayInfo"]
    metadata = [{"SourceURL": stream["PlayURL"], "Title": "pulled", "CateId": -1}]
    (job,) = sdk.call(VOD, "UploadMediaByURL", UploadURLs=stream["PlayURL"], UploadMetadatas=json.dumps(metadata),
                      TemplateGroupId="VOD_NO_TRANSCODE")["UploadJobs"]
    assert job["SourceURL"] == stream["PlayURL"]
    deadline = time.monotonic() + 60
    while True:
        told = sdk.call(VOD, "GetURLUploadInfos", JobIds=f"{job['JobId']},x")
        (info,) = told["URLUploadInfoList"]
        if info["Status"] == "SUCCESS":
            break
        assert info["Status"] in ("PENDING", "DOWNLOADING", "UPLOADING"), info
        assert time.monotonic() < deadline, info
        time.sleep(0.2)
    assert told["NonExists"] == ["x"]
    pulled = sdk.call(VOD, "GetVideoInfo", VideoId=info["MediaId"])["Video"]
    assert pulled["Title"] == "pulled" and pulled["Size"] == int(info["FileSize"])
    ended = sdk.call(VOD, "CancelUrlUploadJobs", JobIds=f"{job['JobId']},x")
    assert (ended["CanceledJobs"], ended["NonExists"]) == ([], ["x"])
    tea.call(VOD, "DeleteVideo", VideoIds=f"{video},{info['MediaId']}")
