// What a reader waits for: the weight of each page on a first visit, and when it can be used.
//
//   node weight.js [RUNS]     the built book; RUNS visits to each of the heaviest pages (5)
//
// The book is served compressed, as a web host does, and every visit is a first one: nothing is cached. A page can be used when
// it is loaded and its main thread has been idle once. The times are this machine's, without a network.
import { desktop, launch, pages, serve } from './browser.js';

const limits = { bytes: 300_000, seconds: 1 };
const heaviest = 5;
const runs = Number(process.argv[2] ?? 5);
if (!Number.isInteger(runs) || runs < 1) throw new Error('RUNS is a number of visits, such as 5');

/** One first visit: what came over the wire, and the seconds until the page can be used. */
async function visit(browser, url) {
    const context = await browser.newContext({ viewport: desktop });
    try {
        const page = await context.newPage();
        await page.addInitScript(() => {
            addEventListener('load', () => requestIdleCallback(() => { window.idleAt = performance.now(); }));
        });
        const session = await context.newCDPSession(page);
        await session.send('Network.enable');
        let bytes = 0;
        session.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
        await page.goto(url, { waitUntil: 'load' });
        await page.waitForFunction(() => window.idleAt !== undefined);
        return { bytes, seconds: await page.evaluate(() => window.idleAt) / 1000 };
    } finally {
        await context.close();
    }
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const server = await serve({ gzip: true });
const browser = await launch();
try {
    const weights = [];
    for (const page of pages) weights.push({ page, ...await visit(browser, server.url + page) });
    weights.sort((a, b) => b.bytes - a.bytes);
    let missed = false;
    for (const { page, bytes } of weights.slice(0, heaviest)) {
        const times = [];
        for (let run = 0; run < runs; run += 1) times.push((await visit(browser, server.url + page)).seconds);
        const seconds = median(times);
        console.log(`${page}: ${(bytes / 1000).toFixed(0)} kB on the wire, can be used after ${seconds.toFixed(2)} s`);
        missed ||= bytes > limits.bytes || seconds > limits.seconds;
    }
    console.log(`${weights.length} pages; limits: ${limits.bytes / 1000} kB, ${limits.seconds} s`);
    process.exitCode = missed ? 1 : 0;
} finally {
    await browser.close();
    server.close();
}
