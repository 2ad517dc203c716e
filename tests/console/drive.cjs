// Drives the console of a running server in Chromium, as its user would, from the first password to the last screen.
//
//   node drive.cjs URL TOKEN RTMP      a fresh server, the token of its setup link, and where it is pushed to (host:port)
//
// Prints the names of the steps that went well, as JSON. The first that does not is told on standard error with what the page showed.
// The packages are those of tests/browser (NODE_PATH). Nothing here sleeps: each step waits for what it wants to see.

'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** How long anything that should follow at once may take on a loaded machine. */
const SOON_MS = 60_000;
const PASSWORD = 'correct horse battery';

const [url, token, rtmp] = process.argv.slice(2);
const base = `${url}/console/`;
const steps = [];
/** What went wrong in the page itself: scripts that failed, contents that were refused, requests to elsewhere. */
const faults = [];
const children = new Set();

/** In the page: how its video elements are. */
const videoStates = () =>
  [...document.querySelectorAll('video')].map((video) => ({
    time: video.currentTime,
    paused: video.paused,
    ready: video.readyState,
    network: video.networkState,
    error: video.error?.message,
    buffered: Array.from({ length: video.buffered.length }, (_, at) => [video.buffered.start(at), video.buffered.end(at)]),
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
  }));

/** One step; `page` is looked at when it fails. */
async function step(name, page, act) {
  if (process.env.VERBOSE) console.error(name);
  try {
    await act();
    assert.deepEqual(faults, []);
  } catch (error) {
    const text = await page.locator('body').innerText().catch(() => 'nothing');
    const videos = await page.evaluate(videoStates).catch(() => []);
    error.message = `${name}: ${error.message}\n--- ${page.url()} shows:\n${text}\n${JSON.stringify(videos)}`;
    throw error;
  }
  steps.push(name);
}

/** Waits until `look` is true of what it finds. */
async function until(what, look) {
  const deadline = Date.now() + SOON_MS;
  for (;;) {
    if (await look().catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`in vain waited for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A page that notes its faults. */
async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(SOON_MS);
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(`script: ${error.stack}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (/^https?:/.test(request.url()) && new URL(request.url()).host !== new URL(base).host) faults.push(`asks ${request.url()}`);
  });
  return page;
}

const at = (page, place) => page.goto(`${base}#/${place}`);
const button = (within, name) => within.getByRole('button', { name, exact: true });
const dialog = (page) => page.getByRole('dialog');
const said = (page, text) => page.getByRole('status').getByText(text).first().waitFor();

/** What the video element says of itself. */
const playing = (page) =>
  page.locator('video').first().evaluate((video) => ({ time: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames }));

/** The video of the page plays: its time goes on and pictures are decoded. */
async function plays(page) {
  // Not waited for: what counts is that it plays. Asked again where a better player took the place of the first.
  const start = () =>
    page.locator('video').first().evaluate((video) => {
      video.muted = true;
      if (video.paused) void video.play().catch(() => undefined);
    });
  await start();
  let from = await playing(page);
  await until('a video that plays', async () => {
    await start();
    const now = await playing(page);
    if (now.frames < from.frames) from = now;
    return now.time > from.time + 0.5 && now.frames > from.frames + 5;
  });
}

/** Seconds that are safely on disk, as the live page shows them. */
async function durable(page) {
  const [text] = (await page.getByTestId('durable').innerText()).split(/\s/);
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** FFmpeg pushes a moving picture with sound until it is ended. */
function push(path) {
  const sources = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-f', 'lavfi', '-i', 'sine'];
  const encoding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'flv'];
  const child = spawn('ffmpeg', ['-v', 'error', '-re', ...sources, ...encoding, `rtmp://${rtmp}/${path}`], { stdio: 'ignore' });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return { cut: () => child.kill('SIGKILL') };
}

/** A file of three seconds, in a folder of its own; `noise` makes it larger than what is sent in one part. */
function clip(name, noise = false) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'console-')), name);
  const picture = noise ? 'nullsrc=size=640x360:rate=25:duration=3,geq=random(1)*255:128:128' : 'testsrc2=size=320x180:rate=25:duration=3';
  const encoding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '8', '-g', '25', '-pix_fmt', 'yuv420p'];
  assert.equal(spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', picture, ...encoding, file]).status, 0);
  return file;
}

/** The colour of a picture of a video at a place of it, as [red, green, blue]. */
function colour(url, x, y) {
  const words = ['-v', 'error', '-i', url, '-frames:v', '1', '-vf', `crop=4:4:${x - 2}:${y - 2},scale=1:1`, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  const { stdout, stderr } = spawnSync('ffmpeg', words);
  assert.equal(stdout.length, 3, String(stderr));
  return [...stdout];
}

/** In the page: what an operation of VOD answers. */
const ask = (page, Action, Params) =>
  page.evaluate(
    async (call) => {
      const headers = { 'X-Reprise-Console': '1', 'Content-Type': 'application/json' };
      return (await fetch('/console/call', { method: 'POST', headers, body: JSON.stringify(call) })).json();
    },
    { Service: 'Vod', Action, Params },
  );

/** In the page: the bytes behind an address that begins a file, as text. */
const beginning = (page, url) =>
  page.evaluate(async (url) => {
    const body = await (await fetch(url)).arrayBuffer();
    return String.fromCharCode(...new Uint8Array(body.slice(0, 12)));
  }, url);

/** A picture of 400 by 100 pixels, red all over. */
function picture(name) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'console-')), name);
  assert.equal(spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'color=red:size=400x100', '-frames:v', '1', file]).status, 0);
  return file;
}

/** Serves a file to who asks for it. */
async function serve(file) {
  const server = http.createServer((request, response) => {
    response.setHeader('Content-Length', fs.statSync(file).size);
    if (request.method === 'HEAD') response.end();
    else fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${server.address().port}/${path.basename(file)}`;
}

/** A customer's server for callbacks, which first takes nothing. */
async function customer() {
  const heard = [];
  let takes = false;
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', () => {
      if (takes) heard.push(JSON.parse(body));
      response.writeHead(takes ? 200 : 500).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { url: `http://127.0.0.1:${server.address().port}/hook`, take: () => (takes = true), heard };
}

/** Looks for what keeps people out. */
async function accessible(page, what) {
  await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
  assert.deepEqual(told, [], what);
}

async function main(browser) {
  const page = await open(browser);

  await step('a page without a session asks for the link', page, async () => {
    await page.goto(base);
    await page.getByText('This server has no password yet').waitFor();
  });

  await step('the link sets the first password', page, async () => {
    await at(page, `setup?token=${token}`);
    await page.getByLabel('New password').fill('short');
    await page.getByLabel('Once more').fill('short');
    await button(page, 'Set the password and begin').click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('New password').fill(PASSWORD);
    await page.getByLabel('Once more').fill(PASSWORD);
    await button(page, 'Set the password and begin').click();
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
    assert.ok(!page.url().includes(token), 'the token stays in the address');
  });

  await step('home tells where to push to', page, async () => {
    await page.getByText(/rtmp:\/\/[^ ]*\/live\/first/).first().waitFor();
    await page.getByText('Nothing is live').waitFor();
    await page.getByLabel('StreamName').fill('camera');
    await page.getByText(/rtmp:\/\/[^ ]*\/live\/camera/).first().waitFor();
  });

  await step('the test stream appears by itself', page, async () => {
    await button(page, 'Start a test stream').click();
    await page.getByRole('link', { name: /live\/test/ }).click();
    await page.getByRole('heading', { name: 'live/test', level: 1 }).waitFor();
  });

  await step('the live picture plays', page, async () => {
    await page.locator('video').first().waitFor();
    await plays(page);
  });

  await step('health is told, and what is safe on disk grows', page, async () => {
    await page.getByText(/\d kbit\/s/).first().waitFor();
    await page.getByText('1280×720').first().waitFor();
    await until('something on disk', async () => (await durable(page)) > 0);
    const from = await durable(page);
    await until('more on disk', async () => (await durable(page)) > from);
  });

  await step('a cut makes a video while the stream goes on', page, async () => {
    await page.getByText('No video yet').waitFor();
    await button(page, 'Cut here').click();
    await page.getByRole('cell', { name: /test_/ }).first().waitFor();
    await page.locator('main').getByText('Live', { exact: true }).first().waitFor();
    // So that what is recorded after it is worth watching.
    const from = await durable(page);
    await until('some seconds after the cut', async () => (await durable(page)) > from + 5);
  });

  await step('the page counts the grace down when the publisher is gone', page, async () => {
    await at(page, '');
    await button(page, 'Stop the test stream').click();
    await at(page, 'stream/play.localhost/live/test');
    await page.getByRole('heading', { name: /The publisher is gone · \d+:\d\d/ }).waitFor();
  });

  await step('when it has ended the page is that of the video', page, async () => {
    await button(page, 'Make the video now').click();
    await page.getByRole('heading', { name: 'It has ended' }).waitFor();
    await page.locator('video').first().waitFor();
    await plays(page);
  });

  await step('a cable that is pulled leaves a gap, and the same recording goes on', page, async () => {
    await at(page, 'stream/play.localhost/cup/court1');
    await page.getByRole('heading', { name: 'Nobody publishes this stream' }).waitFor();
    const first = push('cup/court1');
    await page.locator('video').first().waitFor();
    await until('some seconds on disk', async () => (await durable(page)) > 3);
    first.cut();
    await page.getByRole('heading', { name: /The publisher is gone/ }).waitFor();
    const second = push('cup/court1');
    await page.getByText('interruption', { exact: true }).waitFor();
    await page.locator('main').getByText('Live', { exact: true }).first().waitFor();
    second.cut();
    await button(page, 'Make the video now').click();
    await page.getByRole('heading', { name: 'It has ended' }).waitFor();
    await page.getByRole('img', { name: /Timeline: .*, 1 gaps/ }).waitFor();
  });

  await step('the library finds it while one types', page, async () => {
    await at(page, 'media');
    await page.getByRole('link', { name: /test_/ }).first().waitFor();
    await page.getByLabel('Search').fill('court');
    await until('fewer videos', async () => (await page.locator('tbody tr').count()) === 1);
    assert.match(page.url(), /q=court/);
    await page.getByLabel('Source').selectOption('general');
    await page.getByText('Nothing fits these filters').waitFor();
    await button(page, 'Clear filters').click();
    await page.getByLabel('Search').fill('court1');
    await page.getByRole('link', { name: /court1_/ }).click();
    await page.getByRole('heading', { name: /court1_/, level: 1 }).waitFor();
    await plays(page);
  });

  await step('another cover is chosen', page, async () => {
    const covers = page.getByRole('button', { name: /^Snapshot \d+$/ });
    await covers.first().waitFor();
    const other = page.locator('button[aria-pressed=false]').first();
    await other.click();
    await said(page, 'The cover is changed.');
    await until('the choice', async () => (await page.locator('button[aria-pressed=true]').count()) === 1);
  });

  await step('a video is encoded by hand, with progress until it is done', page, async () => {
    await button(page, 'Encode').click();
    await said(page, 'Encoding begins.');
    await page.getByText('by hand').waitFor();
    await page.locator('article').getByText('Done', { exact: true }).nth(1).waitFor();
    await page.getByLabel('Rendition').locator('option', { hasText: 'FD' }).first().waitFor({ state: 'attached' });
  });

  const hook = await customer();
  await step('a callback is set', page, async () => {
    await at(page, 'settings');
    await page.getByLabel('URL', { exact: true }).fill(hook.url);
    await page.getByLabel('Sign the requests').check();
    await button(page, 'Make one').click();
    await button(page, 'Save').click();
    await said(page, 'Saved.');
  });

  await step('a failed callback tells why, and is sent again', page, async () => {
    await at(page, 'media?q=court1');
    await page.getByRole('link', { name: /court1_/ }).click();
    await button(page, 'Edit').click();
    await dialog(page).getByLabel('Title').fill('Final on court one');
    await dialog(page).getByLabel('Tags').fill('tennis,final');
    await button(dialog(page), 'Save').click();
    await page.getByRole('heading', { name: 'Final on court one', level: 1 }).waitFor();
    await at(page, 'events?outcome=Pending');
    await button(page, 'MediaBaseChangeComplete').first().click();
    await dialog(page).getByText(/HTTP 500/).first().waitFor();
    hook.take();
    await button(dialog(page), 'Send again').click();
    await dialog(page).getByText('Delivered').waitFor();
    assert.equal(hook.heard.at(-1).EventType, 'MediaBaseChangeComplete');
    await button(dialog(page), 'Close').click();
  });

  await step('deleting can be undone', page, async () => {
    await at(page, 'media');
    const rows = page.locator('tbody tr');
    await rows.first().waitFor();
    const count = await rows.count();
    await page.getByRole('checkbox', { name: /^Select Final on court one/ }).check();
    await button(page, 'Delete').click();
    await button(dialog(page), 'Delete').click();
    await until('one video less', async () => (await rows.count()) === count - 1);
    await button(page, 'Undo').click();
    await until('the video again', async () => (await rows.count()) === count);
  });

  await step('a category is made in another one, and renamed', page, async () => {
    await at(page, 'media');
    await button(page, 'Categories').click();
    for (const [name, parent] of [['Sports', 'At the top'], ['Tenis', 'Sports']]) {
      await dialog(page).getByLabel('Name of a new one').fill(name);
      await dialog(page).getByRole('combobox', { name: 'In', exact: true }).selectOption(parent);
      await button(dialog(page), 'Add a category').click();
      await dialog(page).getByRole('listitem').filter({ hasText: name }).waitFor();
    }
    await button(dialog(page), 'Rename: Sports / Tenis').click();
    await dialog(page).getByLabel('New name of Sports / Tenis').fill('Tennis');
    await button(dialog(page), 'Save').click();
    await button(dialog(page), 'Rename: Sports / Tennis').waitFor();
    await accessible(page, 'categories');
    await button(dialog(page), 'Close').click();
  });

  await step('files are sent, also in parts and after a break, and become videos that play', page, async () => {
    const [small, large, other] = [clip('first set.mp4'), clip('second set.mp4', true), clip('third set.mp4')];
    await page.getByRole('link', { name: 'Upload', exact: true }).click();
    let sent = 0;
    await page.route(/partNumber=2&/, (route) => (sent++ === 0 ? route.abort() : route.continue()));
    await page.getByLabel('Category').first().selectOption('Sports / Tennis');
    await page.getByLabel('Choose files').setInputFiles([large, small]);
    await page.getByRole('link', { name: 'To the video: second set.mp4' }).waitFor();
    await page.getByRole('link', { name: 'To the video: first set.mp4' }).waitFor();
    assert.equal(sent, 2, 'the part that broke off is sent again');
    // What hangs can be stopped, go on, and be cancelled.
    await page.route(/source\.mp4$/, () => {});
    await page.getByLabel('Choose files').setInputFiles(other);
    await button(page, 'Stop: third set.mp4').click();
    await button(page, 'Go on: third set.mp4').click();
    await button(page, 'Cancel: third set.mp4').click();
    await button(dialog(page), 'Cancel').click();
    await page.getByRole('list', { name: 'Files' }).getByText('third set.mp4').waitFor({ state: 'detached' });
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.getByRole('list', { name: 'Files' }).getByText('Ready').nth(1).waitFor();
    await page.getByRole('link', { name: 'To the video: second set.mp4' }).click();
    await page.getByRole('heading', { name: 'second set', level: 1 }).waitFor();
    await page.getByRole('definition').getByText('Tennis').waitFor();
    await plays(page);
  });

  await step('a file is got from an address', page, async () => {
    await at(page, 'upload');
    const address = await serve(clip('fourth-set.mp4'));
    await page.getByLabel(/^Addresses/).fill(`${address}\nhttp://127.0.0.1:1/none.mp4`);
    await button(page, 'Get them').click();
    const link = page.getByRole('link', { name: `To the video: ${address}` });
    await link.waitFor();
    await accessible(page, 'upload with files');
    await button(page, 'Cancel: http://127.0.0.1:1/none.mp4').click();
    await page.getByText(/^JobCanceled/).waitFor();
    await link.click();
    await page.getByRole('heading', { name: /fourth-set/, level: 1 }).waitFor();
  });

  await step('many videos are tagged, sorted and encoded at once, and what fails is counted', page, async () => {
    await at(page, 'media?q=set');
    const rows = page.locator('tbody tr');
    await until('the three', async () => (await rows.count()) === 3);
    // What is still encoded cannot be encoded anew.
    await until('all of them ready', async () => (await rows.getByText('Ready', { exact: true }).count()) === 3);
    const choose = () => page.getByRole('checkbox', { name: 'Select all that are shown' }).check();
    const close = () => button(dialog(page).locator('.stack'), 'Close').click();
    await choose();
    await button(page, 'Tags').click();
    await dialog(page).getByRole('textbox', { name: 'Tags' }).fill('indoor, final');
    await button(dialog(page), 'Change the tags').click();
    await dialog(page).getByText('3 of 3 done.').waitFor();
    await close();
    await choose();
    await button(page, 'Category').click();
    await dialog(page).getByLabel('Category').selectOption('Sports');
    await button(dialog(page), 'Put there').click();
    await dialog(page).getByText('3 of 3 done.').waitFor();
    await close();
    await until('all in it', async () => (await page.getByRole('cell', { name: 'Sports', exact: true }).count()) === 3);
    await choose();
    await button(page, 'Encode').click();
    // Somebody else is faster with one of them.
    const told = await ask(page, 'SearchMedia', { Match: "Title in ('first set')" });
    await ask(page, 'DeleteVideo', { VideoIds: told.MediaList[0].MediaId });
    await accessible(page, 'encode many');
    await button(dialog(page).locator('form'), 'Encode').click();
    await dialog(page).getByText('2 of 3 done.').waitFor();
    await dialog(page).getByRole('listitem').filter({ hasText: 'first set' }).waitFor();
    await accessible(page, 'what failed');
    await close();
  });

  await step('a category is deleted after its videos are counted', page, async () => {
    await button(page, 'Categories').click();
    await button(dialog(page), 'Delete: Sports').click();
    await page.getByText(/With it go 1 categories that lie in it\. 2 videos/).waitFor();
    await button(dialog(page).last(), 'Delete').click();
    await dialog(page).getByText('No category yet').waitFor();
    await button(dialog(page), 'Close').click();
    await until('none in it', async () => (await page.getByRole('cell', { name: 'Sports', exact: true }).count()) === 0);
  });

  await step('the recordings of a stream are found', page, async () => {
    await at(page, 'recordings');
    await button(page, 'Today').click();
    await page.getByLabel('StreamName').fill('court1');
    await until('the one', async () => (await page.locator('tbody tr').count()) === 1);
    await page.getByRole('link', { name: 'cup/court1' }).waitFor();
  });

  await step('a rule is added, found, deleted and brought back', page, async () => {
    await at(page, 'rules');
    await button(page, 'Add a rule').click();
    await dialog(page).getByLabel('AppName').fill('arena');
    await dialog(page).getByLabel('One video is').fill('600');
    await button(dialog(page), 'Save').click();
    await dialog(page).waitFor({ state: 'detached' });
    const tester = page.getByRole('region', { name: 'Which rule applies?' });
    await tester.getByLabel('AppName').fill('arena');
    await button(tester, 'Look').click();
    await tester.getByText('play.localhost / arena / *').waitFor();
    await tester.getByText('The AppName is exact').waitFor();
    await button(page, 'Delete: play.localhost/arena/*').click();
    await button(dialog(page), 'Delete').click();
    await button(page, 'Delete: play.localhost/arena/*').waitFor({ state: 'detached' });
    await button(page, 'Undo').click();
    await button(page, 'Delete: play.localhost/arena/*').waitFor();
  });

  await step('a template group is made and changed', page, async () => {
    await at(page, 'templates');
    await button(page, 'New group').click();
    await dialog(page).getByLabel('Name').fill('Two sizes');
    await button(dialog(page), 'Add').click();
    await page.getByRole('heading', { name: 'Two sizes', level: 1 }).waitFor();
    await button(page, 'Edit: 360p').click();
    await dialog(page).getByLabel('Bit rate, kbit/s').first().fill('900');
    await dialog(page).getByText('434 MB').waitFor();
    await button(dialog(page), 'Save').click();
    await page.getByText('900 + 64').waitFor();
  });

  await step('words become a watermark, which is changed and made the default one', page, async () => {
    await page.getByRole('link', { name: 'All groups' }).click();
    await page.getByRole('link', { name: 'Watermarks', exact: true }).click();
    await page.getByText('No watermark yet').waitFor();
    await button(page, 'New watermark').click();
    await dialog(page).getByLabel('Name').fill('Court words');
    await dialog(page).getByLabel('It shows').selectOption('Words');
    await dialog(page).getByRole('textbox', { name: 'Words' }).fill('Live from court 1');
    await dialog(page).getByRole('img', { name: 'Words at 32, 24 of 1280 × 720' }).waitFor();
    await accessible(page, 'new watermark of words');
    await button(dialog(page), 'Save').click();
    await button(page, 'Edit: Court words').click();
    await dialog(page).getByLabel('From the left, pixels').fill('64');
    await dialog(page).getByLabel('Shown from second').fill('5');
    await button(dialog(page), 'Save').click();
    await page.getByText('Words · from 5 s to the end').waitFor();
    await page.getByRole('img', { name: 'Words at 64, 24 of 1280 × 720' }).waitFor();
    await button(page, 'Make default: Court words').click();
    await page.getByRole('listitem').getByText('Default', { exact: true }).waitFor();
  });

  await step('a picture is sent for a watermark, shown where it will be, and chosen in a template', page, async () => {
    await button(page, 'New watermark').click();
    await dialog(page).getByLabel('Name').fill('Club logo');
    await button(dialog(page), 'Save').click();
    await dialog(page).getByText('Choose a file, or tell an address.').waitFor();
    await dialog(page).getByLabel('A file of this computer').setInputFiles(picture('logo.png'));
    // A picture of 400 by 100 pixels, 12 % wide.
    await dialog(page).getByRole('img', { name: '154 × 39 pixels at 1100, 22 of 1280 × 720' }).waitFor();
    await accessible(page, 'new watermark of a picture');
    await button(dialog(page), 'Save').click();
    await dialog(page).waitFor({ state: 'detached' });
    await page.getByRole('listitem').filter({ hasText: 'Club logo' }).getByRole('img', { name: '154 × 39 pixels' }).waitFor();
    await at(page, 'templates');
    await page.getByRole('link', { name: 'Two sizes' }).click();
    await button(page, 'Edit: 360p').click();
    await dialog(page).getByLabel('Club logo').check();
    await accessible(page, 'template');
    await button(dialog(page), 'Save').click();
    await dialog(page).waitFor({ state: 'detached' });
    await button(page, 'Edit: 360p').click();
    assert.ok(await dialog(page).getByLabel('Club logo').isChecked(), 'the choice is kept');
    await button(dialog(page), 'Cancel').click();
  });

  await step('a watermark is deleted after it is told what is lost', page, async () => {
    await at(page, 'watermarks');
    await button(page, 'Delete: Court words').click();
    await dialog(page).getByText(/Templates that name it show nothing in its place/).waitFor();
    await button(dialog(page), 'Delete').click();
    await button(page, 'Delete: Court words').waitFor({ state: 'detached' });
    await button(page, 'Delete: Club logo').waitFor();
  });

  await step('the picture of a watermark goes with it, unless another one is of it', page, async () => {
    const images = async () => Object.fromEntries((await ask(page, 'ListWatermark', {})).WatermarkInfos.map((one) => [one.Name, one.FileUrl]));
    await button(page, 'New watermark').click();
    await dialog(page).getByLabel('Name').fill('Logo again');
    await dialog(page).getByLabel('Or its address').fill((await images())['Club logo']);
    await button(dialog(page), 'Save').click();
    await button(page, 'Delete: Logo again').click();
    await dialog(page).getByText('Its picture stays in the library: Club logo was made of it, too.').waitFor();
    await button(dialog(page), 'Delete').click();
    await button(page, 'Delete: Logo again').waitFor({ state: 'detached' });
    await button(page, 'New watermark').click();
    await dialog(page).getByLabel('Name').fill('Old logo');
    await dialog(page).getByLabel('A file of this computer').setInputFiles(picture('old.png'));
    await button(dialog(page), 'Save').click();
    await button(page, 'Delete: Old logo').click();
    const url = (await images())['Old logo'];
    assert.match(await beginning(page, url), /PNG/);
    await dialog(page).getByLabel('Delete its picture from the library as well').check();
    await accessible(page, 'delete a watermark');
    await button(dialog(page), 'Delete').click();
    await said(page, 'Its picture is deleted, too.');
    await button(page, 'Delete: Old logo').waitFor({ state: 'detached' });
    const ids = [url, (await images())['Club logo']].map((one) => new URL(one).pathname.split('/')[2]);
    const told = await ask(page, 'GetImageInfos', { ImageIds: ids.join() });
    assert.deepEqual([told.NonExistImageIds, told.ImageInfo.map((image) => image.ImageId)], [[ids[0]], [ids[1]]]);
  });

  await step('what is encoded shows the watermark of its template', page, async () => {
    await at(page, 'media?q=Final');
    await page.getByRole('link', { name: /Final on court one/ }).click();
    await page.getByLabel('With the template group').selectOption('Two sizes');
    await button(page, 'Encode').click();
    const task = page.locator('article').filter({ hasText: 'Two sizes' });
    // The task, and both of its renditions.
    await task.getByText('Done', { exact: true }).nth(2).waitFor();
    const id = new URL(page.url()).hash.split('/')[2];
    const [{ TranscodeTaskId }] = (await ask(page, 'ListTranscodeTask', { VideoId: id })).TranscodeTaskList;
    const jobs = (await ask(page, 'GetTranscodeTask', { TranscodeTaskId })).TranscodeTask.TranscodeJobInfoList;
    const { PlayInfo } = (await ask(page, 'GetPlayInfo', { VideoId: id, Formats: 'm3u8', ResultType: 'Multiple' })).PlayInfoList;
    const colourOf = (label) => {
      const job = jobs.find((one) => one.Definition === label).TranscodeJobId;
      const { PlayURL, Width } = PlayInfo.find((one) => one.JobId === job);
      assert.equal(Width, 320);
      // A picture of 38 by 10 pixels, 6 from the right and 5 from above.
      return colour(PlayURL, 295, 10);
    };
    const [marked, bare] = [colourOf('LD'), colourOf('HD')];
    const isRed = ([red, green, blue]) => red > 200 && green < 60 && blue < 60;
    assert.ok(isRed(marked) && !isRed(bare), `${marked} with it, ${bare} without`);
  });

  await step('templates of snapshots are made, changed and deleted', page, async () => {
    await page.getByRole('link', { name: 'Snapshot templates', exact: true }).click();
    await page.getByText('No snapshot template yet').waitFor();
    await button(page, 'New snapshot template').click();
    await dialog(page).getByLabel('Name').fill('Contact sheet');
    await dialog(page).getByLabel('It makes').selectOption('Sheets of many pictures');
    await dialog(page).getByLabel('How many').fill('');
    await dialog(page).getByText('360 pictures on 4 sheets of 10 × 10').waitFor();
    await accessible(page, 'new snapshot template');
    await button(dialog(page), 'Save').click();
    await button(page, 'Edit: Contact sheet').click();
    await dialog(page).getByLabel('Columns').fill('6');
    await button(dialog(page), 'Save').click();
    await page.getByText('360 pictures on 6 sheets of 6 × 10').waitFor();
    await button(page, 'New snapshot template').click();
    await dialog(page).getByLabel('Name').fill('Seek bar');
    await dialog(page).getByLabel('It makes').selectOption('Thumbnails for players (WebVTT)');
    await button(dialog(page), 'Save').click();
    await button(page, 'Delete: Seek bar').waitFor();
    await button(page, 'New snapshot template').click();
    await dialog(page).getByLabel('Name').fill('Unwanted');
    await button(dialog(page), 'Save').click();
    await button(page, 'Delete: Unwanted').click();
    await button(dialog(page), 'Delete').click();
    await button(page, 'Delete: Unwanted').waitFor({ state: 'detached' });
  });

  await step('templates of animated images are made, changed and deleted', page, async () => {
    await page.getByRole('link', { name: 'Animated images', exact: true }).click();
    await page.getByText('No animated image template yet').waitFor();
    await button(page, 'New animated image template').click();
    await dialog(page).getByLabel('Name').fill('Teaser');
    await dialog(page).getByLabel('Length in seconds').fill('60');
    await dialog(page).getByLabel('Pictures in a second').fill('30');
    await dialog(page).getByLabel('Width in pixels').fill('1280');
    await dialog(page).getByText('That is more than the server makes').waitFor();
    await dialog(page).getByLabel('Length in seconds').fill('2');
    await dialog(page).getByLabel('Width in pixels').fill('240');
    await dialog(page).getByText('60 pictures, 30 a second, 240 pixels wide').waitFor();
    await accessible(page, 'new animated image template');
    await button(dialog(page), 'Save').click();
    await button(page, 'Edit: Teaser').click();
    await dialog(page).getByLabel('Pictures in a second').fill('5');
    await button(dialog(page), 'Save').click();
    await page.getByText('10 pictures, 5 a second, 240 pixels wide').waitFor();
    await button(page, 'New animated image template').click();
    await dialog(page).getByLabel('Name').fill('Ending');
    await dialog(page).getByLabel('Format').selectOption('WebP');
    await dialog(page).getByRole('combobox', { name: 'Ends', exact: true }).selectOption('before the end');
    await dialog(page).getByText('From second 0 to the end').waitFor();
    await button(dialog(page), 'Save').click();
    await button(page, 'Delete: Ending').click();
    await dialog(page).getByText(/Pictures that were made stay/).waitFor();
    await button(dialog(page), 'Delete').click();
    await button(page, 'Delete: Ending').waitFor({ state: 'detached' });
    await button(page, 'Delete: Teaser').waitFor();
  });

  await step('pictures of a video are made as templates say', page, async () => {
    await at(page, 'media?q=Final');
    await page.getByRole('link', { name: /Final on court one/ }).click();
    const make = async (template) => {
      await page.getByRole('combobox', { name: 'With the template', exact: true }).selectOption(template);
      await button(page, 'Make').click();
      await said(page, 'The pictures are being made.');
    };
    const seen = async (name, width) => {
      const image = page.getByRole('img', { name, exact: true });
      // It is loaded when somebody comes near.
      await image.scrollIntoViewIfNeeded();
      const wide = () => image.evaluate(({ naturalWidth }) => naturalWidth);
      await until(`${name} as wide as wanted`, async () => (await wide()) > 0 && (await wide()) % width === 0);
    };
    await make('Contact sheet');
    // As many cells as there are pictures.
    await seen('Sheet 1', 160);
    await make('Seek bar');
    const list = page.getByRole('link', { name: 'Their list (WebVTT)' });
    assert.match(await beginning(page, await list.getAttribute('href')), /^WEBVTT/);
    await page.getByRole('combobox', { name: 'With the template', exact: true }).selectOption('Teaser');
    await page.getByLabel('Begin at the player’s place').check();
    await make('Teaser');
    await seen('Animated image 1', 240);
    await page.getByText(/GIF · 240×\d+ · 5 fps/).waitFor();
    const image = await page.getByRole('img', { name: 'Animated image 1' }).getAttribute('src');
    assert.match(await beginning(page, image), /^GIF89a/);
    await accessible(page, 'pictures of a video');
    await button(page, 'Hide: Animated image 1').click();
    await page.getByRole('img', { name: 'Animated image 1' }).waitFor({ state: 'detached' });
    await button(page, 'Show: Animated image 1').click();
    await page.getByRole('img', { name: 'Animated image 1' }).waitFor();
    await make('Teaser');
    await button(page, 'Delete: Animated image 2').click();
    await button(dialog(page), 'Delete').click();
    await button(page, 'Delete: Animated image 2').waitFor({ state: 'detached' });
    await button(page, 'Delete: Animated image 1').waitFor();
  });

  await step('jobs are listed', page, async () => {
    await at(page, 'jobs?kind=encode');
    await page.locator('tbody').getByText('Done', { exact: true }).first().waitFor();
  });

  await step('a URL is signed and checked', page, async () => {
    await at(page, 'domains?domain=push.localhost');
    const auth = page.getByRole('region', { name: 'URL authentication of push.localhost' });
    await auth.getByLabel('Type').selectOption('type_a');
    await button(auth, 'Make one').first().click();
    await button(auth, 'Save').click();
    await auth.getByLabel('URL', { exact: true }).fill('rtmp://push.localhost/live/first');
    await button(auth, 'Sign').click();
    const signed = await auth.getByTestId('signed').innerText();
    const checker = page.getByRole('region', { name: 'Check a URL' });
    await checker.getByLabel('URL').fill(signed);
    await button(checker, 'Check').click();
    await checker.getByText('It is let in').waitFor();
    await checker.getByLabel('URL').fill(signed.replace('first', 'other'));
    await button(checker, 'Check').click();
    await checker.getByText('It is refused').waitFor();
    await auth.getByLabel('Type').selectOption('no_auth');
    await button(auth, 'Save').click();
    await auth.getByText('This domain asks for no signature.').waitFor();
  });

  await step('a key is made and its secret told once', page, async () => {
    await at(page, 'keys');
    await button(page, 'Create a key').click();
    await dialog(page).getByLabel('Whose or what for').fill('a wall');
    await button(dialog(page), 'Create a key').click();
    await dialog(page).getByText('AccessKeySecret', { exact: true }).waitFor();
    await button(dialog(page).locator('.stack'), 'Close').click();
    await page.getByRole('region', { name: 'Access keys of programs' }).locator('td.lead', { hasText: 'a wall' }).waitFor();
  });

  await step('storage and nodes are told', page, async () => {
    await at(page, 'storage');
    await page.getByText(/\d percent used/).waitFor();
    await page.getByRole('heading', { name: 'Nodes' }).waitFor();
  });

  await step('each screen names the calls behind it', page, async () => {
    await at(page, 'templates');
    await page.locator('details.api > summary').click();
    await page.getByText('Vod.ListTranscodeTemplateGroup').click();
    await page.getByText(/"RequestId": "/).first().waitFor();
  });

  await step('a user who may only look is told so', page, async () => {
    await at(page, 'keys');
    await button(page, 'Add a user').click();
    await dialog(page).getByLabel('Name').fill('ward');
    await dialog(page).getByLabel('New password').fill(PASSWORD);
    await button(dialog(page), 'Save').click();
    await page.getByRole('region', { name: 'Users of the console' }).locator('td.lead', { hasText: 'ward' }).waitFor();
    await button(page, 'Sign out').click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel('User').fill('ward');
    await page.getByLabel('Password').fill('something else');
    await button(page, 'Sign in').click();
    await page.getByText('WrongPassword').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await button(page, 'Sign in').click();
    await page.getByText('ward', { exact: true }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Users and keys' }).count(), 0);
    await at(page, '');
    await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
    await page.getByText('Nothing is live').waitFor();
    assert.equal(await button(page, 'Start a test stream').count(), 0);
    assert.equal(await page.getByRole('alert').count(), 0);
    await at(page, 'media');
    await page.locator('tbody tr').first().waitFor();
    assert.equal(await page.getByRole('link', { name: 'Upload', exact: true }).count(), 0);
    assert.equal(await button(page, 'Categories').count(), 0);
    assert.equal(await page.getByRole('checkbox').count(), 0, 'nothing to do with what is selected');
    await at(page, 'upload');
    await page.getByText('Uploading is for operators and administrators').waitFor();
    await at(page, 'domains?domain=push.localhost');
    await page.getByRole('cell', { name: 'push.localhost', exact: true }).waitFor();
    assert.equal(await page.getByRole('table').getByRole('button').count(), 0, 'nothing to do with domains');
    assert.equal(await button(page, 'Add a domain').count(), 0);
    assert.equal(await page.getByRole('region', { name: /^URL authentication/ }).count(), 0);
    await at(page, 'keys');
    await page.getByText('Users and keys are for administrators').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    await at(page, 'watermarks');
    await page.getByRole('heading', { name: 'Club logo' }).waitFor();
    assert.equal(await page.locator('main').getByRole('button').count(), 0, 'watermarks are to be looked at');
    await at(page, 'settings');
    await page.getByText('The callback is for administrators').waitFor();
    await button(page, 'Sign out').click();
    await page.getByLabel('User').fill('admin');
    await page.getByLabel('Password').fill(PASSWORD);
    await button(page, 'Sign in').click();
    await page.getByText('admin', { exact: true }).first().waitFor();
  });

  await step('who is signed in changes his password', page, async () => {
    const change = async (old) => {
      await dialog(page).getByLabel('Old password').fill(old);
      await dialog(page).getByLabel('New password').fill(`${PASSWORD} more`);
      await dialog(page).getByLabel('Once more').fill(`${PASSWORD} more`);
      await button(dialog(page), 'Save').click();
    };
    await button(page, 'Change your password').click();
    await change('something else');
    await page.getByText('WrongPassword').waitFor();
    await accessible(page, 'password');
    await change(PASSWORD);
    await said(page, 'Your password is changed.');
    await button(page, 'Sign out').click();
    await page.getByLabel('User').fill('admin');
    await page.getByLabel('Password').fill(`${PASSWORD} more`);
    await button(page, 'Sign in').click();
    await page.getByText('admin', { exact: true }).first().waitFor();
  });

  await step('the console speaks Chinese when asked, and remembers it', page, async () => {
    await page.getByLabel('Language').first().selectOption('zh');
    await page.getByRole('heading', { name: '设置', level: 1 }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: '设置', level: 1 }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh');
    await page.getByLabel('语言').first().selectOption('en');
  });

  await step('keys alone reach the content', page, async () => {
    await at(page, 'jobs');
    await page.reload();
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'title');
  });

  const cookies = await page.context().storageState();
  const video = (await ask(page, 'SearchMedia', { Match: "Title in ('Final')" })).MediaList[0].MediaId;
  const screens = {
    home: ['', 'Home'], streams: ['streams', 'Live streams'], stream: ['stream/play.localhost/live/test', 'live/test'], media: ['media', 'Library'],
    bin: ['media?bin=1', 'Library'], upload: ['upload', 'Upload'], video: [`video/${video}`, 'Final on court one'], recordings: ['recordings', 'Recordings'], rules: ['rules', 'Recording rules'],
    templates: ['templates', 'Template groups'], watermarks: ['watermarks', 'Watermarks'], snapshots: ['snapshots', 'Snapshot templates'], animations: ['animations', 'Animated images'], jobs: ['jobs', 'Jobs'], events: ['events', 'Events'], domains: ['domains?domain=play.localhost', 'Domains'],
    keys: ['keys', 'Users and keys'], storage: ['storage', 'Storage'], settings: ['settings', 'Settings'], lost: ['nowhere', 'There is no such page'],
  };
  for (const [theme, width] of [['light', 1280], ['dark', 768], ['light', 375], ['dark', 375]]) {
    const other = await open(browser, { storageState: cookies, colorScheme: theme, viewport: { width, height: 812 } });
    for (const [name, [place, title]] of Object.entries(screens)) {
      await step(`everybody can use ${name}, ${theme}, ${width} wide`, other, async () => {
        await at(other, place);
        await other.getByRole('heading', { name: title, level: 1 }).waitFor();
        await until('all answers', async () => (await other.locator('main .loading').count()) === 0);
        await accessible(other, name);
        const beyond = await other.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(beyond <= 0, `it is ${beyond} pixels too wide`);
      });
    }
    await other.context().close();
  }
}

async function run() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox', '--autoplay-policy=no-user-gesture-required'] });
  try {
    await main(browser);
    console.log(JSON.stringify(steps));
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await browser.close();
  }
}

run().catch((error) => {
  // The stack begins with the message as it was thrown, without what the page showed.
  console.error(`${error.message}\n${error.stack}`);
  process.exitCode = 1;
});
