// Makes the pictures of the guide: the main screens of a running server with something live in it.
//
//   node shots.cjs URL USER PASSWORD FOLDER      writes FOLDER/home.png and so on
//
// The packages are those of tests/browser (NODE_PATH). FFmpeg brings the pictures to 256 colours, which they are not much more of.

'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [url, user, password, folder] = process.argv.slice(2);
const base = `${url}/console/`;

async function run() {
  fs.mkdirSync(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox'] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB', colorScheme: 'light', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const settled = async () => {
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll('main .loading').length === 0);
    await page.waitForFunction(() => [...document.images].every((image) => image.complete));
  };
  const shot = async (name) => {
    // So that nothing is under the pointer.
    await page.mouse.move(0, 0);
    const input = await page.screenshot();
    const filter = 'split[a][b];[a]palettegen=stats_mode=single[palette];[b][palette]paletteuse=dither=none';
    const words = ['-v', 'error', '-y', '-f', 'image2pipe', '-i', '-', '-vf', filter, '-frames:v', '1', path.join(folder, `${name}.png`)];
    const { status, stderr } = spawnSync('ffmpeg', words, { input });
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
  };
  const show = async (name, place) => {
    await page.goto(`${base}#/${place}`);
    await settled();
    await shot(name);
  };

  await page.goto(base);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Home' }).first().waitFor();
  await show('home', '');
  await show('library', 'media');
  const video = page.locator('tbody a').first();
  if ((await video.count()) > 0) {
    await video.click();
    await settled();
    await page.locator('video').evaluate((element) => {
      element.muted = true;
      void element.play();
    });
    await page.waitForFunction(() => document.querySelector('video').currentTime > 1);
    await page.locator('video').evaluate((element) => element.pause());
    await shot('video');
  }
  await show('rules', 'rules');
  await show('templates', 'templates');
  await show('watermarks', 'watermarks');
  await show('snapshots', 'snapshots');
  await show('animations', 'animations');
  await show('events', 'events');
  await show('streams', 'streams');
  const stream = page.locator('main ul a').first();
  if ((await stream.count()) > 0) {
    await stream.click();
    await settled();
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1);
    await shot('stream');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot('stream-phone');
  }
  await browser.close();
}

run().catch((error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
