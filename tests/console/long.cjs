// Measures how the library scrolls in Chromium when very many videos are shown, which need not be there: the page's questions for them
// are answered here, 50 at a time, as the server would.
//
//   node long.cjs URL USER PASSWORD ROWS      prints, as JSON: the rows, the elements of the page, its heap, and the time of a frame
//
// The packages are those of tests/browser (NODE_PATH).

'use strict';

const { chromium } = require('playwright-core');

const [url, user, password, wanted] = process.argv.slice(2);
const base = `${url}/console/`;
const rows = Number(wanted);
/** Rows of an answer. */
const PAGE = 50;
/** How far the page moves with each frame: fast, but so that one could still read. */
const STEP_PX = 200;
const FRAMES = 300;

/** What SearchMedia tells of the videos from this one on. */
function told(from) {
  const MediaList = Array.from({ length: PAGE }, (_, at) => {
    const number = from + at;
    const MediaId = number.toString(16).padStart(32, '0');
    const CreationTime = `${new Date(Date.UTC(2026, 10, 1) - number * 60_000).toISOString().slice(0, 19)}Z`;
    const Video = { VideoId: MediaId, Title: `Court ${number}`, Status: 'Normal', Duration: 3600, Size: 1e9, CreationTime, MediaSource: 'live' };
    return { MediaId, MediaType: 'video', CreationTime, Video };
  });
  return { MediaList, ScrollToken: String(from + PAGE), Total: 1_000_000, RequestId: 'made' };
}

/** In the page: asks for more until so many pieces of 50 rows are there. */
async function fill(pieces) {
  while (document.querySelectorAll('tbody').length < pieces) {
    const more = [...document.querySelectorAll('button')].find((button) => button.textContent === 'Show more');
    if (more && !more.disabled) more.click();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** In the page: the times of frames while it scrolls up from its middle, in milliseconds, sorted. */
async function scroll([step, frames]) {
  const times = [];
  let y = document.documentElement.scrollHeight / 2;
  window.scrollTo(0, y);
  await new Promise((resolve) => setTimeout(resolve, 500));
  let last = performance.now();
  for (let at = 0; at < frames; at++) {
    window.scrollTo(0, (y -= step));
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - last);
    last = performance.now();
  }
  return times.sort((a, b) => a - b);
}

async function run() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox'] });
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB' })).newPage();
  await page.goto(base);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  await page.route('**/console/call', (route) => {
    const { Action, Params } = route.request().postDataJSON();
    return Action === 'SearchMedia' ? route.fulfill({ json: told(Number(Params.ScrollToken ?? 0)) }) : route.continue();
  });
  await page.goto(`${base}#/media`);
  await page.locator('tbody tr').nth(PAGE - 1).waitFor();
  await page.evaluate(fill, rows / PAGE);
  const times = await page.evaluate(scroll, [STEP_PX, FRAMES]);
  const part = (of) => Math.round(10 * times[Math.floor((times.length - 1) * of)]) / 10;
  const elements = await page.evaluate(() => document.querySelectorAll('*').length);
  const heapMB = await page.evaluate(() => Math.round(performance.memory.usedJSHeapSize / 1e6));
  console.log(JSON.stringify({ rows, elements, heapMB, frameMs: { middle: part(0.5), p95: part(0.95), p99: part(0.99) } }));
  await browser.close();
}

run().catch((error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
