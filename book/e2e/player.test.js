// The player, and every recording of the book in it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { book, pages, phone, traces, visitors } from './browser.js';
import { lowContrast, tooWide } from './inspect.js';

const { held, withPage } = visitors({ reducedMotion: 'reduce' });
const of = (page, name) => page.locator(`.player[data-trace="${name}"]`);
// By force: a button that has nothing to do, at the end, is there all the same and can be clicked.
const press = (player, label) => player.locator(`.player-button[aria-label="${label}"]`).click({ force: true });

/** What a player shows. */
const shown = (player) => player.evaluate((root) => ({
    at: Number(root.dataset.at),
    command: root.querySelector('.player-command').textContent,
    step: root.querySelector('.player-step').textContent,
    text: root.querySelector('.player-text').textContent,
    answer: root.querySelector('.player-answer').textContent,
    manifests: [...root.querySelectorAll('.player-manifest')].map((element) => parseInt(element.textContent, 10)),
    boxes: [...root.querySelectorAll('.player-box')].map((box) => ({
        id: box.dataset.box,
        zone: box.closest('.player-zone').dataset.zone,
        rows: [...box.querySelectorAll('.player-chip')].map((chip) => Number(chip.dataset.row)),
        words: [...box.querySelectorAll('.player-chip')].map((chip) => chip.querySelector('.player-key').textContent),
    })),
    marks: [...root.querySelectorAll('.player-chip')].flatMap((chip) => ['new', 'shown', 'hidden', 'merged', 'dropped', 'found']
        .filter((kind) => chip.classList.contains(`player-${kind}`))
        .map((as) => `${chip.closest('.player-box').dataset.box} ${chip.dataset.row} ${as}`)).sort(),
    looked: [...root.querySelectorAll('.player-box')].filter((box) => box.querySelector('.player-looked')).map((box) => (
        `${box.dataset.box} ${box.querySelector('.player-looked').textContent}`)).sort(),
    slider: root.querySelector('.player-slider').value,
    current: [...root.querySelectorAll('.player-jump')].findIndex((jump) => jump.getAttribute('aria-current') === 'step'),
}));

/** What it should show of a frame. */
function expected(trace, at) {
    const frame = trace.frames[at];
    const { boxes, manifests } = trace.layouts[frame.layout];
    const last = new Map((frame.marks ?? []).map(({ box, row, as }) => [`${box} ${row}`, as]));
    const isThere = ([place]) => boxes.some(({ id, rows }) => rows.some((row) => `${id} ${row}` === place));
    return {
        at,
        command: trace.operations[frame.operation]?.command ?? 'the beginning',
        step: frame.step ?? '',
        text: frame.text,
        answer: (frame.answer ?? []).join('\n'),
        manifests,
        boxes: boxes.map(({ id, zone, rows }) => ({ id, zone, rows, words: rows.map((row) => trace.rows[row].key) })),
        marks: [...last].filter(isThere).map(([place, as]) => `${place} ${as}`).sort(),
        looked: (frame.looked ?? []).map(({ box, found }) => `${box} ${found ? 'found' : 'not here'}`).sort(),
        slider: String(at),
        current: at,
    };
}

const check = async (player, trace, at) => assert.deepEqual(await shown(player), expected(trace, at), `step ${at}`);

test('the book has the recordings that it promises', () => {
    for (const name of ['put', 'get', 'flush', 'crash', 'crash_in_flush', 'scan', 'merge', 'compaction', 'garbage']) {
        assert.ok(traces[name]?.frames.length > 3, `there is no recording ${name}`);
    }
});

for (const [name, trace] of Object.entries(traces)) {
    test(`${name}: every step, forwards and back`, (t) => withPage({}, async (open) => {
        const player = of(await open('player.html'), name);
        const last = trace.frames.length - 1;
        const there = [...trace.frames.keys()];
        const ways = {
            mouse: { on: () => press(player, 'One step on'), back: () => press(player, 'One step back') },
            keyboard: { on: () => player.page().keyboard.press('ArrowRight'), back: () => player.page().keyboard.press('ArrowLeft') },
        };
        for (const [way, { on, back }] of Object.entries(ways)) {
            await t.test(`by ${way}`, async () => {
                const url = player.page().url();
                await player.locator('.player-frame').focus();
                await player.page().keyboard.press('Home');
                await check(player, trace, 0);
                for (const at of there.slice(1)) {
                    await on();
                    await check(player, trace, at);
                }
                await on();
                await check(player, trace, last);
                for (const at of there.slice(0, -1).reverse()) {
                    await back();
                    await check(player, trace, at);
                }
                await back();
                await check(player, trace, 0);
                assert.equal(player.page().url(), url, 'the page was turned');
            });
        }

        await t.test('to the end and to the start, by slider and from the list', async () => {
            await press(player, 'To the end');
            await check(player, trace, last);
            await press(player, 'To the start');
            await check(player, trace, 0);
            await player.locator('.player-frame').press('End');
            await check(player, trace, last);
            await player.locator('.player-frame').press('Home');
            await check(player, trace, 0);
            await player.locator('.player-slider').fill('2');
            await check(player, trace, 2);
            await player.locator('.player-all > summary').click();
            await player.locator('.player-jump').nth(last).click();
            await check(player, trace, last);
        });
    }));
}

describe('the player', () => {
    test('plays to the end, and pauses', () => withPage({}, async (open) => {
        const player = of(await open('player.html'), 'flush');
        await player.locator('.player-speed').selectOption('4');
        await press(player, 'Play');
        await press(player, 'Pause');
        assert.ok((await shown(player)).at <= 1);
        await player.locator('.player-frame').press('p');
        await player.locator('.player-button[aria-label="Play"]').waitFor({ timeout: 20000 });
        await check(player, traces.flush, traces.flush.frames.length - 1);
    }));

    test('moves chips to where they belong, and they arrive', () => withPage({ reducedMotion: 'no-preference' }, async (open) => {
        const player = of(await open('player.html'), 'flush');
        const moving = () => player.locator('.player-stage').evaluate((stage) => stage.getAnimations({ subtree: true }).length);
        await press(player, 'One step on');
        await press(player, 'One step on');
        await press(player, 'One step on');
        assert.ok(await moving() > 0, 'nothing moves');
        await check(player, traces.flush, 3);
        await player.locator('.player-stage').evaluate((stage) => Promise.all(stage.getAnimations({ subtree: true }).map((one) => one.finished)));
        assert.equal(await moving(), 0);
    }));

    test('moves nothing for those who asked for that', () => withPage({}, async (open) => {
        const player = of(await open('player.html'), 'flush');
        for (let at = 0; at < 3; at += 1) {
            await press(player, 'One step on');
            assert.equal(await player.locator('.player-stage').evaluate((stage) => stage.getAnimations({ subtree: true }).length), 0);
        }
    }));

    test('takes the arrow keys only while it has the focus', () => withPage({}, async (open) => {
        const page = await open('player.html');
        for (const element of ['.player-button', '.player-slider', '.player-speed', '.player-frame']) {
            await of(page, 'get').locator(element).first().focus();
            await page.keyboard.press('ArrowRight');
            assert.match(page.url(), /player\.html$/, `${element} lets the key through`);
        }
        await page.locator('main h1').first().click();
        await page.keyboard.press('ArrowRight');
        await page.waitForURL(`${held.server.url}${pages[pages.indexOf('player.html') + 1]}`);
    }));

    test('says each step aloud, and its buttons have names', () => withPage({}, async (open) => {
        const player = of(await open('player.html'), 'put');
        assert.equal(await player.locator('.player-text').getAttribute('aria-live'), 'polite');
        assert.match(await player.locator('.player-frame').getAttribute('aria-label'), /A put/);
        for (const name of ['To the start', 'One step back', 'Play', 'One step on', 'To the end']) {
            assert.equal(await player.getByRole('button', { name, exact: true }).count(), 1, name);
        }
        assert.equal(await player.getByRole('slider', { name: 'Step' }).count(), 1);
    }));

    test('players of one page do not disturb each other', () => withPage({}, async (open) => {
        const page = await open('week4/database.html');
        assert.equal(await page.locator('.player').count(), 4);
        await press(of(page, 'put'), 'To the end');
        await press(of(page, 'flush'), 'One step on');
        await check(of(page, 'put'), traces.put, traces.put.frames.length - 1);
        await check(of(page, 'flush'), traces.flush, 1);
        await check(of(page, 'crash'), traces.crash, 0);
    }));

    test('has enough contrast and room at every step', async (t) => {
        for (const [name, options] of Object.entries({
            light: { colorScheme: 'light' },
            dark: { colorScheme: 'dark' },
            'a phone': { colorScheme: 'light', viewport: phone },
        })) {
            await t.test(name, () => withPage(options, async (open) => {
                const page = await open('player.html');
                const most = Math.max(...Object.values(traces).map(({ frames }) => frames.length));
                for (let at = 0; at < most; at += 1) {
                    assert.deepEqual(await page.evaluate(tooWide), [], `step ${at}`);
                    assert.deepEqual(await page.evaluate(lowContrast), [], `step ${at}`);
                    await page.evaluate(() => document.querySelectorAll('[aria-label="One step on"]').forEach((one) => one.click()));
                }
            }));
        }
    });

    test('keeps words and buttons on the screen of a phone', () => withPage({ viewport: phone }, async (open) => {
        const page = await open('player.html');
        const player = of(page, 'compaction');
        await player.evaluate((root) => window.scrollTo(0, root.querySelector('.player-stage').getBoundingClientRect().top + scrollY - 60));
        assert.ok(await player.locator('.player-stage').evaluate((stage) => stage.offsetHeight + 300 > innerHeight), 'the stage is high');
        for (const part of ['.player-text', '.player-controls']) {
            const { top, bottom } = await player.locator(part).evaluate((element) => element.getBoundingClientRect().toJSON());
            assert.ok(top > 0 && bottom <= phone.height + 1, `${part} is at ${top} to ${bottom}`);
        }
    }));

    test('works from a file', async () => {
        const page = await held.browser.newPage({ reducedMotion: 'reduce' });
        const asked = [];
        page.on('request', (request) => asked.push(request.url()));
        page.on('pageerror', (error) => asked.push(error.message));
        await page.goto(pathToFileURL(path.join(book, 'player.html')).href);
        await press(of(page, 'crash'), 'To the end');
        await check(of(page, 'crash'), traces.crash, traces.crash.frames.length - 1);
        assert.deepEqual(asked.filter((url) => !url.startsWith('file:')), []);
        await page.close();
    });

    test('without JavaScript its steps are a list', async () => {
        const context = await held.browser.newContext({ javaScriptEnabled: false });
        const page = await context.newPage();
        await page.goto(`${held.server.url}player.html`);
        const player = of(page, 'flush');
        assert.equal(await player.locator('li').count(), traces.flush.frames.length);
        assert.match(await player.innerText(), /WAL segment 1 is deleted/);
        await context.close();
    });
});

describe('a recording', () => {
    const html = () => fs.readFileSync(path.join(book, 'player.html'), 'utf8');
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    const own = () => {
        const recording = structuredClone(traces.flush);
        recording.title = `Mine ${markup}`;
        recording.rows[0].key = markup;
        recording.frames[0].text = markup;
        return recording;
    };
    const file = (name, content) => ({ name, mimeType: 'application/json', buffer: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)) });
    const damages = {
        'is cut off': [(text) => text.slice(0, text.length / 2), /no JSON/],
        'is none': [() => '{"a": 1}', /no recording of TinyDB/],
        'is a list': [() => '[]', /no recording of TinyDB/],
        'has another version': [(text) => text.replace('"version": 1', '"version": 2'), /version 2/],
        'names a row that is not there': [(text) => text.replace('"rows":[0', '"rows":[999'), /no such row/],
        'names a layout that is not there': [(text) => text.replace('"layout":0', '"layout":77'), /no such layout/],
        'has a box of no zone': [(text) => text.replace('"zone":"wal"', '"zone":"attic"'), /its zone/],
        'has no frames': [(text) => `${text.slice(0, text.indexOf('"frames"'))}"frames": []}`, /no step/],
        'has a null row': [(text) => text.replace('"rows": [\n', '"rows": [\nnull,\n'), /malformed/],
    };

    for (const [what, [damage, message]] of Object.entries(damages)) {
        test(`in a page that ${what} is said to be damaged, and the others work`, () => withPage({}, async (open, page) => {
            const original = html();
            const start = original.indexOf('<script type="application/json">', original.indexOf('data-trace="flush"')) + '<script type="application/json">'.length;
            const end = original.indexOf('</script>', start);
            const body = original.slice(0, start) + damage(original.slice(start, end)) + original.slice(end);
            await page.route('**/player.html', (route) => route.fulfill({ body, contentType: 'text/html; charset=utf-8' }));
            await open('player.html');
            const broken = of(page, 'flush');
            assert.match(await broken.locator('.alert').innerText(), message);
            assert.equal(await broken.locator('.player-frame').isVisible(), false);
            await press(of(page, 'put'), 'To the end');
            await check(of(page, 'put'), traces.put, traces.put.frames.length - 1);
            await page.locator('#mdbook-theme-toggle').click();
        }));
    }

    test('of the reader is loaded, and holds no markup', () => withPage({}, async (open) => {
        const page = await open('player.html');
        const player = of(page, 'put');
        await player.locator('.player-more > summary').click();
        await player.locator('.player-file').setInputFiles(file('mine.json', own()));
        await player.locator('.player-lead', { hasText: 'Mine' }).waitFor();
        await check(player, own(), 0);
        await press(player, 'To the end');
        await check(player, own(), own().frames.length - 1);
        assert.equal(await page.locator('main img, .player b').count(), 0);
        assert.notEqual(await page.title(), '1');
        await player.locator('.player-again').click();
        await check(player, traces.put, 0);
    }));

    test('of the reader that is damaged leaves what was there', () => withPage({}, async (open) => {
        const player = of(await open('player.html'), 'put');
        await press(player, 'One step on');
        await player.locator('.player-more > summary').click();
        await player.locator('.player-file').setInputFiles(file('broken <b>.json', '{'));
        await player.locator('.alert').waitFor();
        assert.match(await player.locator('.alert').innerText(), /broken <b>\.json can't be shown: it is no JSON/);
        await check(player, traces.put, 1);
        await player.locator('.player-file').setInputFiles(file('mine.json', own()));
        await player.locator('.player-lead', { hasText: 'Mine' }).waitFor();
        assert.equal(await player.locator('.alert').isVisible(), false);
    }));

    test('can be dropped on the player', () => withPage({}, async (open) => {
        const page = await open('player.html');
        const data = await page.evaluateHandle((text) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], 'mine.json', { type: 'application/json' }));
            return transfer;
        }, JSON.stringify(own()));
        await of(page, 'get').locator('.player-stage').dispatchEvent('drop', { dataTransfer: data });
        await of(page, 'get').locator('.player-lead', { hasText: 'Mine' }).waitFor();
        await check(of(page, 'get'), own(), 0);
    }));
});
