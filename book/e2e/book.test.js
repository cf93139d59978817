import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pages, phone, visitors } from './browser.js';
import { badFigureText, hiddenText, lowContrast, tooWide, withoutAlternative } from './inspect.js';

const { held, withPage } = visitors();

const none = (page, found) => assert.deepEqual(found, [], `on ${page}`);

test('SUMMARY.md names pages', () => {
    assert.ok(pages.includes('introduction.html') && pages.includes('week3/index.html'), pages.join(' '));
});

for (const path of pages) {
    test(path, (t) => withPage({}, async (open) => {
        const page = await open(path);
        const unfold = () => page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));

        await t.test('has a title and a text', async () => {
            assert.ok((await page.locator('main h1').first().innerText()).length > 2);
            assert.ok((await page.locator('main').innerText()).length > 80, 'the page is nearly empty');
        });

        await t.test('has a text alternative for each figure, and no id twice', async () => {
            none(path, await page.evaluate(withoutAlternative));
        });

        await unfold();
        for (const colorScheme of ['light', 'dark']) {
            await t.test(`has enough contrast in the ${colorScheme} theme`, async () => {
                await page.emulateMedia({ colorScheme });
                await page.locator(colorScheme === 'dark' ? 'html.navy' : 'html.light').waitFor({ timeout: 5000 });
                none(path, await page.evaluate(lowContrast));
            });
        }

        await t.test('does not scroll sideways on a desktop', async () => {
            none(path, await page.evaluate(tooWide));
        });

        await t.test('fits a phone', async () => {
            await page.setViewportSize(phone);
            await page.reload();
            await unfold();
            none(path, await page.evaluate(tooWide));
            none(path, await page.evaluate(badFigureText, 12));
        });
    }));
}

describe('the length of a page', () => {
    test('stands below its title, in words, lines of code and minutes', () => withPage({}, async (open) => {
        const page = await open('week3/wal.html');
        const text = await page.locator('main h1 + .page-length').innerText();
        const told = text.match(/^([\d,]+) words and (\d+) lines of code: about (\d+) min to read$/);
        assert.ok(told, text);
        const [words, lines, minutes] = told.slice(1).map((number) => Number(number.replace(',', '')));
        assert.ok(words > 1000 && words < 10000 && lines > 10 && lines < 1000, text);
        assert.equal(minutes, Math.round(words / 180 + lines / 15), text);
    }));

    test('counts neither figures nor what is folded away', () => withPage({}, async (open) => {
        const page = await open('week3/wal.html');
        const told = Number((await page.locator('.page-length').innerText()).match(/^[\d,]+/)[0].replace(',', ''));
        const all = await page.evaluate(() => document.querySelector('main').textContent.split(/\s+/).length);
        const hidden = await page.evaluate(() => [...document.querySelectorAll('main :is(details, pre, figure)')]
            .filter((box) => !box.parentElement.closest('details, pre, figure'))
            .reduce((sum, box) => sum + box.textContent.split(/\s+/).length, 0));
        assert.ok(Math.abs(all - hidden - told) < 0.1 * told, `${told} are told, of ${all} ${hidden} are not to be counted`);
    }));

    test('is not told of the print page', () => withPage({}, async (open) => {
        assert.equal(await (await open('print.html')).locator('.page-length').count(), 0);
    }));
});

describe('themes', () => {
    test('the menu shows Light and Dark, and marks the one in use', () => withPage({}, async (open) => {
        const page = await open('introduction.html');
        await page.click('#mdbook-theme-toggle');
        const shown = page.locator('#mdbook-theme-list button:visible');
        assert.deepEqual((await shown.allInnerTexts()).map((text) => text.trim()), ['Light', 'Dark']);
        assert.equal(await page.locator('.theme-selected').innerText(), 'Light');
    }));

    test('Dark is dark, stays on the next page, and Light brings the light back', () => withPage({}, async (open) => {
        let page = await open('introduction.html');
        const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
        const light = await paper();
        await page.click('#mdbook-theme-toggle');
        await page.click('#mdbook-theme-navy');
        const dark = await paper();
        assert.notEqual(dark, light);
        page = await open('plan.html');
        assert.equal(await paper(), dark);
        await page.click('#mdbook-theme-toggle');
        await page.click('#mdbook-theme-light');
        assert.equal(await paper(), light);
    }));

    test('the menu works from the keyboard', () => withPage({}, async (open) => {
        const page = await open('introduction.html');
        await page.focus('#mdbook-theme-toggle');
        await page.keyboard.press('Enter');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        assert.equal(await page.locator('html.navy').count(), 1);
    }));

    for (const [stored, shown] of [['coal', 'navy'], ['ayu', 'navy'], ['rust', 'light']]) {
        test(`"${stored}", stored by another book, becomes ${shown}`, () => withPage({}, async (open, page) => {
            await page.addInitScript((theme) => {
                if (!sessionStorage.seen) localStorage.setItem('mdbook-theme', theme);
                sessionStorage.seen = 1;
            }, stored);
            await open('introduction.html');
            assert.equal(await page.locator(`html.${shown}`).count(), 1);
            await page.click('#mdbook-theme-toggle');
            assert.equal(await page.locator('.theme-selected').count(), 1);
        }));
    }
});

test('the search finds "memtable"', () => withPage({}, async (open) => {
    const page = await open('introduction.html');
    await page.keyboard.press('/');
    await page.locator('#mdbook-searchbar').pressSequentially('memtable');
    const results = page.locator('#mdbook-searchresults li a');
    await results.first().waitFor();
    assert.ok(await results.count() > 2);
    await results.first().click();
    await page.waitForLoadState();
    assert.match(await page.locator('main').innerText(), /memtable/i);
}));

test('the sidebar goes and comes back by keyboard', () => withPage({}, async (open) => {
    const page = await open('introduction.html');
    const toggle = page.locator('#mdbook-sidebar-toggle');
    const left = () => page.locator('#mdbook-sidebar').evaluate((sidebar) => sidebar.getAttribute('aria-hidden') === 'true');
    await toggle.focus();
    for (const hidden of [true, false]) {
        await page.keyboard.press('Enter');
        assert.equal(await left(), hidden);
        assert.equal(await toggle.getAttribute('aria-expanded'), String(!hidden));
    }
}));

describe('what is folded away', () => {
    for (const kind of ['hint', 'answer']) {
        test(`every ${kind} is closed at first, and opens by keyboard`, () => withPage({}, async (open) => {
            let found = 0;
            for (const path of pages) {
                const page = await open(path);
                assert.equal(await page.locator(`details.${kind}[open]`).count(), 0, `one is open on ${path}`);
                for (const details of await page.locator(`details.${kind}`).all()) {
                    found += 1;
                    await details.locator('summary').focus();
                    await page.keyboard.press('Enter');
                    assert.ok(await details.evaluate((d) => d.open), `does not open on ${path}`);
                    assert.ok((await details.innerText()).split('\n').length > 1, `a ${kind} on ${path} is empty`);
                    await page.keyboard.press('Space');
                    assert.ok(!await details.evaluate((d) => d.open), `does not close on ${path}`);
                }
            }
            assert.ok(found > 0, `the book has no ${kind}`);
        }));
    }
});

describe('on paper', () => {
    test('the print page hides nothing of the book, and shows nothing but it', () => withPage({}, async (open) => {
        const page = await open('print.html');
        await page.emulateMedia({ media: 'print' });
        none('print.html', await page.evaluate(hiddenText));
        for (const chrome of ['#mdbook-sidebar', '#mdbook-menu-bar', '.nav-chapters']) {
            for (const element of await page.locator(chrome).all()) assert.ok(!await element.isVisible(), `${chrome} is printed`);
        }
        none('print.html', await page.evaluate(withoutAlternative));
        none('print.html', await page.evaluate(lowContrast));
        for (const path of pages) {
            const title = await (async () => {
                const other = await page.context().newPage();
                await other.goto(held.server.url + path);
                const text = await other.locator('main h1').first().innerText();
                await other.close();
                return text;
            })();
            assert.ok((await page.locator('main').innerText()).includes(title), `"${title}" is not on the print page`);
        }
    }));

    test('printing in the dark theme gives dark text on white paper', () => withPage({ colorScheme: 'dark' }, async (open) => {
        const page = await open('how-this-course-works.html');
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
        assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), 'rgb(255, 255, 255)');
        none('how-this-course-works.html', await page.evaluate(lowContrast));
    }));

    test('printing one page opens what is folded, and closes it again', () => withPage({}, async (open) => {
        const page = await open('how-this-course-works.html');
        const folded = await page.locator('details:not([open])').count();
        assert.ok(folded > 0);
        await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
        assert.equal(await page.locator('details:not([open])').count(), 0);
        await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
        assert.equal(await page.locator('details:not([open])').count(), folded);
    }));
});
