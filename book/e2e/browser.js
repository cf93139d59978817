// What the tests stand on: the built book, a server for it, a browser.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The built book: COURSE_BOOK, or where book.toml puts it. */
export const book = path.resolve(process.env.COURSE_BOOK ?? path.join(here, '../../target/book'));

/** The pages that SUMMARY.md links, as paths in the built book. */
export const pages = [
    ...fs.readFileSync(path.join(here, '../src/SUMMARY.md'), 'utf8').matchAll(/\]\(([^)]+)\.md\)/g),
].map(([, page]) => `${page.replace(/(^|\/)README$/, '$1index')}.html`);

const types = {
    '.css': 'text/css',
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript',
    '.json': 'application/json',
    '.png': 'image/png',
    '.svg': 'image/svg+xml',
};

/** The recordings of the book, by name. */
export const traces = Object.fromEntries(fs.readdirSync(path.join(here, '../src/traces'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file.slice(0, -5), JSON.parse(fs.readFileSync(path.join(here, '../src/traces', file), 'utf8'))]));

/** Serves the built book on a free port of this machine; with `gzip` compressed, as a web host does. */
export async function serve({ gzip = false } = {}) {
    if (!fs.existsSync(path.join(book, 'index.html'))) {
        throw new Error(`no book in ${book}: build it with "mdbook build", or set COURSE_BOOK`);
    }
    const server = http.createServer((request, response) => {
        const { pathname } = new URL(request.url, 'http://localhost');
        const file = path.join(book, decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
        if (!file.startsWith(book + path.sep) || !fs.existsSync(file)) {
            response.writeHead(404).end();
            return;
        }
        const type = types[path.extname(file)] ?? 'application/octet-stream';
        if (gzip && !type.startsWith('image/png') && type !== 'application/octet-stream') {
            response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' });
            response.end(zlib.gzipSync(fs.readFileSync(file)));
            return;
        }
        response.writeHead(200, { 'content-type': type });
        fs.createReadStream(file).pipe(response);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

const programs = process.env['ProgramFiles'] ?? 'C:\\Program Files';
const programsX86 = process.env['ProgramFiles(x86)'] ?? 'C:\\Program Files (x86)';
const usualPlaces = [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/google-chrome',
    '/snap/bin/chromium',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    `${programs}\\Google\\Chrome\\Application\\chrome.exe`,
    `${programsX86}\\Google\\Chrome\\Application\\chrome.exe`,
    `${programsX86}\\Microsoft\\Edge\\Application\\msedge.exe`,
];

/** Starts Chromium: CHROMIUM, or the first found in the usual places. */
export function launch() {
    const executablePath = process.env.CHROMIUM ?? usualPlaces.find((place) => fs.existsSync(place));
    if (!executablePath) throw new Error('no Chromium found: install it, or set CHROMIUM to its path');
    return chromium.launch({
        executablePath,
        // Quiet: nothing that a browser does of its own accord on the network.
        args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });
}

export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

/**
 * The server and the browser of a test file, from its first test to its last. `withPage(options, check)` runs `check`
 * with a page of its own: its options are those of the file and its own. `held` has `server` and `browser`.
 */
export function visitors(usual = {}) {
    const held = {};
    before(async () => {
        held.server = await serve();
        held.browser = await launch();
    });
    after(async () => {
        await held.browser?.close();
        held.server?.close();
    });
    return { held, withPage: (options, check) => visit(held, { ...usual, ...options }, check) };
}

/** COURSE_SLOW=6: a page six times slower, to find tests that only pass on a fast machine. */
const rate = Number(process.env.COURSE_SLOW ?? 1);

async function slowDown(context, page) {
    page.setDefaultTimeout(30000 * rate);
    if (rate > 1) await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate });
}

/** Runs `check` with a fresh page, which may ask no other host and has to stay free of errors. */
async function visit({ server, browser }, options, check) {
    const context = await browser.newContext({ viewport: desktop, colorScheme: 'light', ...options });
    const wrong = [];
    // The tracker asks for results of tests, and there are none before the reader has run some.
    const noResults = `${server.url}results.json`;
    await context.route('**', (route) => {
        const { url } = server;
        const asked = route.request().url();
        if (asked.startsWith(url) || asked.startsWith('data:')) return route.continue();
        wrong.push(`asked another host: ${asked}`);
        return route.abort();
    });
    await context.addInitScript(() => { window.print = () => {}; });
    const page = await context.newPage();
    await slowDown(context, page);
    page.on('console', (message) => {
        if (message.location().url === noResults) return;
        if (['error', 'warning'].includes(message.type())) wrong.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => wrong.push(`script: ${error.message}`));
    page.on('response', (response) => {
        if (response.status() >= 400 && response.url() !== noResults) wrong.push(`${response.status()} ${response.url()}`);
    });
    const open = async (path) => {
        await page.goto(server.url + path, { waitUntil: 'load' });
        return page;
    };
    try {
        await check(open, page);
        assert.deepEqual(wrong, []);
    } finally {
        await context.close();
    }
}
