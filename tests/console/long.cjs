// Measures how the long lists of the console scroll in Chromium. Neither a server nor the rows need be there: what is built in console/dist is
// served from here, and its questions are answered as the server would, 50 rows at a time.
//
//   node long.cjs SCREEN ROWS      SCREEN is media, events, jobs or keys
//
// Prints, as JSON: the elements of the page and its heap when all rows were asked for; how long the first and the last pages took to come; and
// the times of frames while the page scrolls by 200 pixels each, and while it jumps to and fro, with how many of them had no row in their middle.
//
// The packages are those of tests/browser (NODE_PATH).

'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [screen, wanted] = process.argv.slice(2);
const rows = Number(wanted);
const DIST = path.join(__dirname, '../../console/dist');
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** What the server says that its pages may do, as far as they do it here. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'";
/** How far the page moves with each frame: fast, but so that one could still read. */
const STEP_PX = 200;
const FRAMES = 300;
const JUMPS = 100;

const moment = (number) => `${new Date(Date.UTC(2026, 10, 1) - number * 60_000).toISOString().slice(0, 19)}Z`;
const id = (number) => number.toString(16).padStart(32, '0');

const video = (number) => {
  const [MediaId, CreationTime] = [id(number), moment(number)];
  const Video = { VideoId: MediaId, Title: `Court ${number}`, Status: 'Normal', Duration: 3600, Size: 1e9, CreationTime, MediaSource: 'live' };
  return { MediaId, MediaType: 'video', CreationTime, Video };
};
const event = (number) => ({ EventId: id(number), EventType: 'StreamTranscodeComplete', VideoId: id(number), Sequence: number, EventTime: moment(number), Outcome: 'Delivered' });
const job = (number) => ({ JobId: id(number), Kind: 'encode', State: 'Done', About: JSON.stringify({ asset: id(number) }), Attempts: 1, AttemptsMax: 8, Progress: 100, CreationTime: moment(number) });
const audited = (number) => ({ EventId: id(number), EventName: 'UpdateVideoInfo', RequestParameters: '{"Title":"Court"}', AccessKeyId: 'console:admin', SourceIpAddress: '192.0.2.1', EventTime: moment(number), Code: 'OK' });

/** Rows from the one that a token names, and the token of those behind them. */
function page(make, { PageSize, MaxResults, ScrollToken, NextToken }) {
  const from = Number(ScrollToken ?? NextToken ?? 0);
  const to = Math.min(rows, from + Number(PageSize ?? MaxResults));
  return { list: Array.from({ length: to - from }, (_, at) => make(from + at)), next: to < rows ? String(to) : undefined };
}

function answer({ Action, Params }) {
  const told = (make, list, next) => {
    const found = page(make, Params);
    return { [list]: found.list, [next]: found.next, Total: rows };
  };
  switch (Action) {
    case 'SearchMedia': return told(video, 'MediaList', 'ScrollToken');
    case 'ListEvents': return told(event, 'EventList', 'NextToken');
    case 'ListJobs': return told(job, 'JobList', 'NextToken');
    case 'ListAuditEvents': return told(audited, 'AuditEventList', 'NextToken');
    case 'GetCategories': return { SubCategories: { Category: [] }, SubTotal: 0 };
    case 'ListAccessKeys': return { AccessKeys: { AccessKey: [] } };
    case 'ListConsoleUsers': return { ConsoleUsers: [] };
    default: throw new Error(`${Action} is not answered here`);
  }
}

/** The console, as far as these screens ask for it. */
async function serve() {
  const server = http.createServer((request, response) => {
    const place = request.url.replace(/^\/console\//, '');
    const tell = (told) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(told));
    if (place === 'session') return tell({ User: 'admin', Role: 'admin', Version: '0' });
    // Nothing ever changes.
    if (place.startsWith('feed')) return response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(':\n\n');
    if (place === 'call') {
      let body = '';
      request.on('data', (data) => (body += data));
      return request.on('end', () => tell({ RequestId: 'made', ...answer(JSON.parse(body)) }));
    }
    const file = path.join(DIST, place || 'index.html');
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': TYPES[path.extname(file)], 'Content-Security-Policy': POLICY });
    return fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** In the page: asks for more until there is none, and tells how long each page took. */
async function fill() {
  const times = [];
  const more = () => [...document.querySelectorAll('main button')].find((button) => /^(Show more|Loading …)$/.test(button.textContent.trim()));
  for (let button; (button = more()); ) {
    const from = performance.now();
    button.click();
    do await new Promise((resolve) => setTimeout(resolve));
    while (more()?.disabled);
    times.push(performance.now() - from);
  }
  return times;
}

/** In the page: the time of each frame while it is where `places` say, and how many have no row in their middle. */
async function frames(places) {
  const [times, table] = [[], document.querySelector('table[aria-rowcount]')];
  const { left, width } = table.getBoundingClientRect();
  let empty = 0;
  let last = performance.now();
  for (const y of places) {
    window.scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - last);
    last = performance.now();
    const row = document.elementFromPoint(left + width / 2, window.innerHeight / 2)?.closest('tbody tr');
    if (!row || row.getAttribute('aria-hidden')) empty += 1;
  }
  return { times, empty };
}

const round = (number) => Math.round(10 * number) / 10;
const part = (times, of) => round([...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * of)]);
const summed = ({ times, empty }) => ({ middle: part(times, 0.5), p95: part(times, 0.95), p99: part(times, 0.99), most: part(times, 1), empty });

async function run() {
  const server = await serve();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox'] });
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB' })).newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(error));
    await page.goto(`http://127.0.0.1:${server.address().port}/console/#/${screen}`);
    await page.locator('table[aria-rowcount] tbody tr').first().waitFor();
    const pages = await page.evaluate(fill);
    const there = await page.evaluate(() => Number(document.querySelector('table[aria-rowcount]').getAttribute('aria-rowcount')) - 1);
    if (there !== rows) throw new Error(`${there} rows are there`);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    const middle = height / 2;
    await page.evaluate(frames, [middle, middle]);
    const scroll = await page.evaluate(frames, Array.from({ length: FRAMES }, (_, at) => middle - at * STEP_PX));
    const jump = await page.evaluate(frames, Array.from({ length: JUMPS }, (_, at) => ((at * 37) % JUMPS) * (height / JUMPS)));
    const elements = await page.evaluate(() => document.querySelectorAll('*').length);
    const heapMB = await page.evaluate(() => Math.round(performance.memory.usedJSHeapSize / 1e6));
    const pageMs = { first: part(pages.slice(0, 20), 0.5), last: part(pages.slice(-20), 0.5) };
    if (faults.length > 0) throw faults[0];
    console.log(JSON.stringify({ screen, rows, elements, heapMB, pageMs, scrollMs: summed(scroll), jumpMs: summed(jump) }));
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

run().catch((error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
