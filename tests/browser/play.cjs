// Plays one URL in headless Chromium and prints what was seen, as one JSON object.
//
//   node play.cjs hls|shaka|dash|mp4 URL [seek-to-seconds|switch|fast|low:seconds|first:seconds]
//
// Without a seek it plays from the beginning to the end, at double speed, and counts the frames. With one it seeks there and plays
// one second. With `switch` it plays to the end and takes another rendition every few seconds. With `fast` (Shaka Player alone) it
// looks through it to the end at eight times the speed. With `low:8` (hls.js alone) it plays eight seconds at the live edge, with low
// latency, counts the parts that it loads, and tells (in seconds, the middle of all looks) how far behind the live edge it is, how long
// ago the server got what it shows, and how old a playlist's last part was. With `first:3600` it shows the picture there, though one
// segment of each track is all that it gets. `loaded` has the names of all that was loaded.
//
// NODE_PATH names the folder in which `cargo xtask setup` installed the players and playwright-core.

const fs = require("node:fs");
const http = require("node:http");
const { chromium } = require("playwright-core");

const [kind, url, how] = process.argv.slice(2);
const switching = how === "switch";
const fast = how === "fast";
const low = how?.startsWith("low:") ? Number(how.slice(4)) : null;
const first = how?.startsWith("first:") ? Number(how.slice(6)) : null;
const seek = first ?? (how === undefined || switching || fast || low !== null ? null : Number(how));

// The page is served from another origin than the media, as a customer's site is.
const page = `<!doctype html><title>player</title><video id="video" muted playsinline></video><script src="/player.js"></script>`;
const files = { hls: "hls.js/dist/hls.min.js", shaka: "shaka-player/dist/shaka-player.compiled.js", dash: "dashjs" };
const library = kind in files ? fs.readFileSync(require.resolve(files[kind])) : "";

async function main() {
  const site = http.createServer((request, response) => {
    const script = request.url === "/player.js";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
    response.end(script ? library : page);
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
  });
  try {
    const tab = await browser.newPage();
    const console_ = [];
    tab.on("console", (message) => message.type() === "error" && console_.push(message.text()));
    await tab.goto(`http://127.0.0.1:${site.address().port}/`);
    const loaded = [];
    const media = new URL(url).origin;
    tab.on("requestfinished", (request) => request.url().startsWith(media) && loaded.push(name(request.url())));
    if (first !== null) await hold(tab);
    const seen = await tab.evaluate(play, { kind, url, seek, switching, fast, low, first });
    console.log(JSON.stringify({ ...seen, loaded, console: console_ }));
  } finally {
    await browser.close();
    site.close();
  }
}

// Lets one segment of each track through and leaves the others without an answer.
async function hold(tab) {
  const tracks = new Set();
  await tab.route(/\/[av]\d[^/]*\.m4s/, (route) => {
    const track = name(route.request().url())[0];
    if (tracks.has(track)) return undefined;
    tracks.add(track);
    return route.continue();
  });
}

function name(url) {
  return new URL(url).pathname.split("/").at(-1);
}

// Runs in the page.
async function play({ kind, url, seek, switching, fast, low, first }) {
  const video = document.getElementById("video");
  const errors = [];
  const stalls = [];
  const began = performance.now();
  const event = (name) => new Promise((resolve) => video.addEventListener(name, resolve, { once: true }));
  const failed = new Promise((resolve) => video.addEventListener("error", () => {
    errors.push(`media error ${video.error.code}: ${video.error.message}`);
    resolve();
  }, { once: true }));
  const widths = [];
  video.addEventListener("resize", () => widths.push(video.videoWidth));
  video.addEventListener("waiting", () => stalls.push(video.currentTime));
  const ready = event("loadeddata");
  let hls, parts = 0, segments = 0, deltas = 0;
  const latencies = [], delays = [], ages = [];
  const middle = (all) => all.sort((a, b) => a - b)[all.length >> 1];
  if (kind === "hls") {
    const start = low === null ? { startPosition: seek ?? 0 } : { lowLatencyMode: true };
    hls = new Hls({ ...start, ...(switching ? { maxBufferLength: 4, maxMaxBufferLength: 4 } : {}) });
    if (switching) {
      // Another one for each segment.
      let turn = 0;
      hls.on(Hls.Events.FRAG_BUFFERED, (_, data) => data.frag.type === "main" && (hls.loadLevel = turn++ % hls.levels.length));
    }
    hls.on(Hls.Events.ERROR, (_, data) => errors.push(`hls.js ${data.fatal ? "fatal" : "mild"} ${data.type}: ${data.details}`));
    hls.on(Hls.Events.FRAG_LOADED, (_, data) => (data.part ? parts++ : segments++));
    hls.on(Hls.Events.LEVEL_UPDATED, (_, data) => data.details.skippedSegments && deltas++);
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      const last = details.fragmentHint ?? details.fragments.at(-1);
      if (last?.programDateTime) ages.push((Date.now() - last.programDateTime) / 1000 - (details.edge - last.start));
    });
    hls.loadSource(url);
    hls.attachMedia(video);
  } else if (kind === "shaka") {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    const severity = (error) => (error.severity === shaka.util.Error.Severity.CRITICAL ? "fatal" : "mild");
    const note = (error) => errors.push(`shaka ${severity(error)} ${error.code}: ${error.data}`);
    player.addEventListener("error", (event) => note(event.detail));
    if (switching) {
      player.configure({ abr: { enabled: false }, streaming: { bufferingGoal: 4, rebufferingGoal: 1 } });
      let turn = 0;
      video.addEventListener("timeupdate", () => {
        if (video.currentTime < turn * 3) return;
        const tracks = player.getVariantTracks();
        player.selectVariantTrack(tracks[turn++ % tracks.length]);
      });
    }
    if (fast) {
      // Chromium's decoder keeps some pictures back until others follow, which are seconds apart here.
      player.configure({ streaming: { bufferingGoal: 20, rebufferingGoal: 1 } });
      ready.then(() => player.trickPlay(8));
    }
    player.attach(video).then(() => player.load(url, seek ?? 0)).catch(note);
  } else if (kind === "dash") {
    const player = dashjs.MediaPlayer().create();
    const { ERROR, FRAGMENT_LOADING_COMPLETED, PLAYBACK_ERROR } = dashjs.MediaPlayer.events;
    for (const name of [ERROR, PLAYBACK_ERROR]) {
      player.on(name, ({ error }) => errors.push(`dash.js fatal ${error.code}: ${error.message}`));
    }
    if (switching) {
      const buffer = { bufferTimeDefault: 4, bufferTimeAtTopQuality: 4, bufferTimeAtTopQualityLongForm: 4 };
      player.updateSettings({ streaming: { buffer, abr: { autoSwitchBitrate: { video: false } } } });
      // Another one for each segment. A switch behind the last would keep it from telling the end.
      let turn = 0;
      player.on(FRAGMENT_LOADING_COMPLETED, ({ request, mediaType }) => {
        const last = request.startTime + request.duration > player.duration() - 0.1;
        if (mediaType !== "video" || request.type !== "MediaSegment" || last) return;
        const count = player.getRepresentationsByType("video").length;
        player.setRepresentationForTypeByIndex("video", turn++ % count);
      });
    }
    player.initialize(video, url, false, seek ?? 0);
  } else {
    video.crossOrigin = "anonymous";
    video.src = url;
  }
  const patience = (seconds) => new Promise((resolve) => setTimeout(() => resolve("late"), seconds * 1000));
  const timing = {};
  const broken = () => errors.some((error) => !error.includes("mild"));
  const step = async (name, done, seconds) => {
    if (broken()) return;
    if (await Promise.race([done, failed, patience(seconds)]) === "late") errors.push(`${name}: nothing for ${seconds} s`);
    timing[name] = Math.round(performance.now() - began);
  };
  await step("ready", ready, 20);
  if (seek !== null && kind === "mp4") {
    const sought = event("seeked");
    video.currentTime = seek;
    await step("seek", sought, 20);
  }
  if (first !== null) {
    // The picture of the place is decoded: no other one is shown for it.
    const shown = () => video.readyState >= video.HAVE_CURRENT_DATA && !video.seeking && video.currentTime >= first;
    await step("shown", new Promise((resolve) => {
      const look = () => (shown() ? resolve() : setTimeout(look, 20));
      look();
    }), 20);
  }
  const duration = video.duration;
  const from = video.currentTime;
  if (!broken() && first === null) {
    if (low === null && !fast) video.playbackRate = 2;
    await video.play();
    const length = low ?? (seek === null ? Infinity : 1);
    const arrived = new Promise((resolve) => {
      const look = () => {
        if (low !== null) {
          latencies.push(hls.latency);
          if (hls.playingDate) delays.push((Date.now() - hls.playingDate) / 1000);
        }
        return video.ended || video.currentTime > from + length ? resolve() : setTimeout(look, 20);
      };
      look();
    });
    await step("played", arrived, 30 + (low ?? duration - from));
  }
  const quality = video.getVideoPlaybackQuality();
  return {
    duration, from, to: video.currentTime, ended: video.ended, errors, timing,
    stalls: stalls.filter((at) => at > from && (low !== null || at < duration - 0.5)),
    parts, segments, deltas, latency: middle(latencies), delay: middle(delays), age: middle(ages),
    width: video.videoWidth, height: video.videoHeight, widths,
    frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames,
    audioBytes: video.webkitAudioDecodedByteCount, videoBytes: video.webkitVideoDecodedByteCount,
  };
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
