// Every page of the book, audited by axe-core: in both themes, and on a phone.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import { test } from 'node:test';
import { desktop, pages, phone, visitors } from './browser.js';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const { withPage } = visitors();

const views = [
    ['in the light theme', { colorScheme: 'light', viewport: desktop }],
    ['in the dark theme', { colorScheme: 'dark', viewport: desktop }],
    ['on a phone', { colorScheme: 'light', viewport: phone }],
];

/** The violations of the page that is open, as text. */
async function violations(page) {
    await page.evaluate(axe);
    return page.evaluate(async () => {
        document.querySelectorAll('details').forEach((details) => { details.open = true; });
        // The scripts of the page learn of it a moment later.
        await new Promise((resolve) => { setTimeout(resolve, 100); });
        const { violations } = await window.axe.run(document);
        return violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target.join(' ')}: ${html.slice(0, 160)}`));
    });
}

for (const path of pages) {
    test(`${path} has no violation`, (t) => withPage({}, async (open, page) => {
        for (const [how, { colorScheme, viewport }] of views) {
            await t.test(how, async () => {
                await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
                await page.setViewportSize(viewport);
                await open(path);
                assert.deepEqual(await violations(page), []);
            });
        }
    }));
}
