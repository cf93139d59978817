// The tracker: on the page "Your progress", on each week's page and in the sidebar.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { book, phone, visitors } from './browser.js';
import { lowContrast, tooWide } from './inspect.js';

const KEY = 'tinydb-course.progress';
const resultsFile = path.join(book, 'results.json');

// Results of whoever runs these tests are put aside, and back.
let mine = null;
before(() => {
    mine = fs.existsSync(resultsFile) ? fs.readFileSync(resultsFile) : null;
    fs.rmSync(resultsFile, { force: true });
});
after(() => {
    if (mine !== null) fs.writeFileSync(resultsFile, mine);
});

const { held, withPage } = visitors({ reducedMotion: 'reduce', acceptDownloads: true });
const stored = (page) => page.evaluate((key) => JSON.parse(localStorage.getItem(key)), KEY);
const field = (page, id) => page.locator(`[id="tracker-${id}"]`);
const item = (page, id) => page.locator(`.tracker-item[data-id="${id}"]`);
/** What the sidebar shows beside a week. */
const side = (page, week) => page.locator(`#mdbook-sidebar a[href$="week${week}/index.html"] .tracker-side`).first().evaluate((element) => {
    const shown = element.cloneNode(true);
    shown.querySelectorAll('.unseen').forEach((one) => one.remove());
    return shown.textContent;
});

/** Opens a page with progress that was stored before. */
async function openWith(open, page, value, at = 'progress.html') {
    await page.goto(`${held.server.url}plan.html`);
    await page.evaluate(([key, text]) => localStorage.setItem(key, text), [KEY, typeof value === 'string' ? value : JSON.stringify(value)]);
    return open(at);
}

async function exported(page, form) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: `Export as ${form}` }).click()]);
    return fs.readFileSync(await download.path(), 'utf8');
}

const asked = (page) => page.locator('.tracker-asked');

/** Chooses a file to import, and waits until it is read. */
async function choose(page, name, text) {
    await field(page, 'file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await asked(page).waitFor();
}

async function imported(page, name, text, way = 'Replace') {
    await choose(page, name, text);
    await asked(page).getByRole('radio', { name: new RegExp(`^${way}`) }).check();
    await asked(page).getByRole('button', { name: way, exact: true }).click();
    await asked(page).waitFor({ state: 'hidden' });
}

async function cleared(page) {
    await page.locator('.tracker-row').getByRole('button', { name: 'Clear everything' }).last().click();
    await asked(page).getByRole('button', { name: 'Clear everything' }).click();
    assert.deepEqual(await stored(page), { version: 1, ticks: {}, texts: {} });
}

const HOSTILE = [
    '<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>',
    '---',
    '## Week 3: Build TinyDB Basics',
    '### Day 1-2: MemTable',
    '- [x] Draw architecture diagram <!-- w1.diagram -->',
    '**Notes:** <!-- w1.notes-1 -->',
    '\\---',
    '\\\\ two backslashes',
    '\\\\- [x] escaped twice <!-- w1.diagram -->',
    '  <!-- w1.diagram -->',
    '**Started:** 2001-01-01',
    '   - Answer: no',
    '     five spaces, and two at the end  ',
    '',
    '# TinyDB Learning Progress',
    '`code` & &amp; "quotes" — “curly” ☃ \u2028 {{#include x}}',
    '--> <!-- --',
].join('\n');

const FULL = {
    version: 1,
    ticks: { 'w1.paper': '2026-11-22T20:15:00.000Z', 'w8.s3': '2026-11-22T20:15:00.000Z', 'done.ready': '2026-11-22T20:15:00.000Z', 'w9.gone': '2026-11-22T20:15:00.000Z' },
    texts: Object.fromEntries([
        ...['w1.notes-1', 'w3.notes-2', 'question.btreemap', 'question.which-files', 'question.own', 'insight.lsm-trees', 'insight.own', 'resource.own', 'unplaced']
            .map((id) => [id, HOSTILE]),
        ['w2.notes-1', 'one line'], ['question.object-storage', 'cheap'], ['insight.batch-merge', 'reading\n\nless'], ['w9.notes', 'an old note'],
    ]),
    started: '2026-11-01',
    completed: '2026-12-31',
    seconds: 45001,
};

describe('ticks', () => {
    test('a tick is stored at once, counted everywhere, and there after a reload', () => withPage({}, async (open) => {
        let page = await open('progress.html');
        assert.equal(await side(page, 3), '0/12');
        await item(page, 'w3.mem-table').locator('label').click();
        const { version, ticks, started } = await stored(page);
        assert.equal(version, 1);
        assert.deepEqual(Object.keys(ticks), ['w3.mem-table']);
        assert.ok(Math.abs(Date.parse(ticks['w3.mem-table']) - Date.now()) < 60000);
        assert.match(started, /^\d{4}-\d\d-\d\d$/);
        assert.match(await page.locator('.tracker-status').innerText(), /^Ticked: Implement MemTable struct/);
        await page.reload();
        assert.ok(await field(page, 'w3.mem-table').isChecked());
        assert.equal(await side(page, 3), '1/12');
        assert.equal(await page.locator('.tracker-sum').innerText(), '1 of 68 done');
        page = await open('week3/index.html');
        assert.ok(await field(page, 'w3.mem-table').isChecked());
        assert.equal(await page.locator('.tracker-item').count(), 12);
        await field(page, 'w3.mem-table').uncheck();
        assert.deepEqual((await stored(page)).ticks, {});
        page = await open('glossary.html');
        assert.equal(await side(page, 3), '0/12');
    }));

    test('each week shows its own part, and every link of the tracker leads somewhere', () => withPage({}, async (open) => {
        for (let week = 1; week <= 8; week += 1) {
            const page = await open(`week${week}/index.html`);
            const ids = await page.locator('.tracker-item').evaluateAll((items) => items.map(({ dataset }) => dataset.id));
            assert.ok(ids.length >= 7 && ids.every((id) => id.startsWith(`w${week}.`)), ids.join(' '));
        }
        const page = await open('progress.html');
        const wrong = await page.evaluate(async () => {
            const found = [];
            for (const link of document.querySelectorAll('.tracker a[href]')) {
                const url = new URL(link.href);
                const answer = await fetch(url.pathname);
                const document_ = new DOMParser().parseFromString(await answer.text(), 'text/html');
                const there = url.hash === '' || (url.pathname === location.pathname ? document : document_).getElementById(decodeURIComponent(url.hash.slice(1)));
                if (!answer.ok || !there) found.push(link.href);
            }
            return found;
        });
        assert.deepEqual(wrong, []);
    }));

    test('another tab shows it, and neither loses what the other wrote', () => withPage({}, async (open, page) => {
        await open('progress.html');
        const other = await page.context().newPage();
        await other.goto(`${held.server.url}week1/index.html`);
        await field(other, 'w1.notes-1').fill('from the other tab');
        await field(page, 'w1.notes-2').fill('from this tab');
        await field(page, 'w1.paper').check();
        await field(other, 'w1.write-path').check();
        await page.waitForFunction(() => document.getElementById('tracker-w1.write-path').checked);
        await other.waitForFunction(() => document.getElementById('tracker-w1.paper').checked);
        const { ticks, texts } = await stored(page);
        assert.deepEqual(Object.keys(ticks), ['w1.paper', 'w1.write-path']);
        assert.deepEqual(texts, { 'w1.notes-1': 'from the other tab', 'w1.notes-2': 'from this tab' });
        assert.equal(await field(page, 'w1.notes-1').inputValue(), 'from the other tab');
    }));
});

describe('texts', () => {
    test('a text is stored while it is typed, and when the page is left', () => withPage({}, async (open) => {
        const page = await open('progress.html');
        await field(page, 'w4.notes-2').pressSequentially('An off by one');
        await page.waitForFunction((key) => localStorage.getItem(key)?.includes('An off by one'), KEY);
        assert.ok(await field(page, 'w4.notes-2').evaluate((area) => area === document.activeElement), 'saving took the focus away');
        await field(page, 'question.own').pressSequentially('Why?');
        await page.goto(`${held.server.url}glossary.html`);
        assert.deepEqual((await stored(page)).texts, { 'w4.notes-2': 'An off by one', 'question.own': 'Why?' });
    }));

    test('arrow keys and letters stay in the text: no page is turned, no search begins', () => withPage({}, async (open) => {
        const page = await open('progress.html');
        await field(page, 'w1.notes-1').click();
        await page.keyboard.type('s/?');
        await page.keyboard.press('ArrowLeft');
        await page.keyboard.press('ArrowRight');
        assert.equal(await field(page, 'w1.notes-1').inputValue(), 's/?');
        assert.match(page.url(), /progress\.html$/);
    }));
});

describe('copies', () => {
    test('exported, cleared and imported, the Markdown is the same byte for byte', () => withPage({}, async (open, page) => {
        await openWith(open, page, FULL);
        const first = await exported(page, 'Markdown');
        assert.match(first, /^- \[x\] Read LSM-Tree paper \(sections 1-3\) <!-- w1\.paper -->$/m);
        assert.match(first, /^\*\*Total Time:\*\* 12\.5 hours$/m);
        assert.match(first, /^\\## Week 3: Build TinyDB Basics$/m);
        await cleared(page);
        await imported(page, 'PROGRESS.md', first);
        const { texts } = await stored(page);
        for (const id of ['w1.notes-1', 'question.btreemap', 'insight.lsm-trees', 'resource.own']) assert.equal(texts[id], HOSTILE, id);
        assert.equal(await exported(page, 'Markdown'), first);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
    }));

    test('and so is the JSON', () => withPage({}, async (open, page) => {
        await openWith(open, page, FULL);
        const first = await exported(page, 'JSON');
        assert.deepEqual(JSON.parse(first), FULL);
        await cleared(page);
        await imported(page, 'tinydb-progress.json', first);
        assert.equal(await exported(page, 'JSON'), first);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
    }));

    test('an empty export is the plan, with its ids', () => withPage({}, async (open) => {
        const page = await open('progress.html');
        const lines = (await exported(page, 'Markdown')).split('\n');
        assert.equal(lines.filter((line) => line.startsWith('- [ ] ')).length, 84);
        assert.deepEqual(lines.slice(-4), ['**Started:** [Date]', '**Completed:** [Date]', '**Total Time:** [Hours]', '']);
        assert.equal(lines.filter((line) => /<!-- [a-z0-9.-]+ -->$/.test(line)).length, 84 + 17 + 4 + 3 + 3);
    }));

    test('an import says what it would change, and changes nothing before it is told to', () => withPage({}, async (open, page) => {
        await openWith(open, page, { ...FULL, texts: { 'w1.notes-1': 'mine' } });
        const before = await page.evaluate((key) => localStorage.getItem(key), KEY);
        const theirs = { version: 1, ticks: { 'w1.diagram': '2026-11-22T20:15:00.000Z' }, texts: { 'w1.notes-1': '<b onclick="x()">theirs</b>' } };
        await choose(page, 'a.json', JSON.stringify(theirs));
        assert.match(await asked(page).innerText(), /Tick: Draw architecture diagram[^]*Add to: Notes/);
        assert.match(await asked(page).innerText(), /nothing of yours is taken away/);
        assert.equal(await asked(page).locator('b').count(), 0);
        await asked(page).getByRole('radio', { name: /^Replace/ }).check();
        assert.match(await asked(page).innerText(), /Untick: Read LSM-Tree paper[^]*Replace: Notes/);
        await asked(page).getByRole('button', { name: 'Cancel' }).click();
        assert.equal(await page.evaluate((key) => localStorage.getItem(key), KEY), before);

        await imported(page, 'a.json', JSON.stringify(theirs), 'Merge');
        const merged = await stored(page);
        assert.equal(merged.texts['w1.notes-1'], 'mine\n\n<b onclick="x()">theirs</b>');
        assert.ok('w1.diagram' in merged.ticks && 'w1.paper' in merged.ticks);
        assert.equal(merged.started, FULL.started);
        await page.getByRole('button', { name: 'Undo the last import' }).click();
        assert.equal(await page.evaluate((key) => localStorage.getItem(key), KEY), before);
    }));

    test('reworded and reordered Markdown keeps its ids, and what has no place is kept and said', () => withPage({}, async (open) => {
        const page = await open('progress.html');
        await imported(page, 'PROGRESS.md', [
            '# My own title', '- [X] The paper, at last <!-- w1.paper -->', '- [x] Implemented <!-- w3.mem-table tests -->', '- [ ] my own item',
            '**What I saw:** <!-- w2.notes-1 --> behind it', 'below it', '1. Reworded? <!-- question.btreemap -->', '- Answer: yes', 'further', '',
            '---', 'nowhere', '**Started:** last week', '**Total Time:** 3 hours',
        ].join('\r\n'));
        const { ticks, texts, seconds } = await stored(page);
        assert.deepEqual(Object.keys(ticks), ['w1.paper']);
        assert.equal(texts['w2.notes-1'], 'behind it\nbelow it');
        assert.equal(texts['question.btreemap'], 'yes\nfurther');
        assert.equal(seconds, 3 * 3600);
        assert.equal(texts.unplaced, '# My own title\n- [ ] my own item\nnowhere\n**Started:** last week');
        assert.equal(await field(page, 'unplaced').inputValue(), texts.unplaced);
    }));

    for (const [what, name, text] of [
        ['a file that is no JSON', 'a.json', '{"version": 1,'], ['another version', 'a.json', '{"version": 2, "ticks": {}}'],
        ['another object', 'a.json', '[1]'], ['another text', 'a.md', '# Shopping\n- [ ] milk\n'], ['nothing', 'a.md', ''],
    ]) {
        test(`${what} is refused, and nothing changes`, () => withPage({}, async (open, page) => {
            await openWith(open, page, FULL);
            const before = await stored(page);
            await choose(page, name, text);
            assert.match(await asked(page).getByRole('alert').innerText(), /can't be imported/);
            assert.deepEqual(await stored(page), before);
        }));
    }
});

describe('storage that is not as it should be', () => {
    for (const [what, value] of [
        ['no JSON', '{"version": 1, "ticks": {'], ['a future version', '{"version": 2, "ticks": {"w1.paper": true}, "new": 1}'],
        ['another type', '"text"'], ['null', 'null'], ['malformed entries', '{"version":1,"ticks":{"w1.paper":7,"w1.diagram":"2026-11-22T20:15:00Z"},"texts":[],"seconds":-1}'],
    ]) {
        test(`${what}: every page shows, it is kept under another name, and said`, () => withPage({}, async (open, page) => {
            await openWith(open, page, value);
            assert.equal(await page.locator('.tracker-item').count(), 84);
            assert.match(await page.locator('.tracker-notices').innerText(), /is kept as it is under the name tinydb-course\.progress\.kept-/);
            await field(page, 'w1.write-path').check();
            await page.reload();
            assert.ok(await field(page, 'w1.write-path').isChecked());
            const kept = await page.evaluate(() => Object.entries(localStorage).filter(([key]) => key.includes('.kept-')).map(([, text]) => text));
            assert.deepEqual(kept, [value]);
            const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as a file' }).click()]);
            assert.equal(fs.readFileSync(await download.path(), 'utf8'), value);
        }));
    }

    test('ids that are in no plan stay', () => withPage({}, async (open, page) => {
        await openWith(open, page, { ...FULL, later: { more: 1 } });
        await field(page, 'w1.diagram').check();
        const now = await stored(page);
        assert.equal(now.texts['w9.notes'], 'an old note');
        assert.ok('w9.gone' in now.ticks);
        assert.deepEqual(now.later, { more: 1 });
    }));

    test('no storage: it is said, and the page works until it is left', () => withPage({}, async (open, page) => {
        await page.addInitScript(() => {
            for (const method of ['getItem', 'setItem', 'removeItem']) {
                const own = Storage.prototype[method];
                Storage.prototype[method] = function no(key, ...more) {
                    // What mdBook stores is its own affair.
                    if (key.startsWith('tinydb')) throw new DOMException('no', 'SecurityError');
                    return own.call(this, key, ...more);
                };
            }
        });
        await open('progress.html');
        assert.match(await page.locator('.tracker-notices').innerText(), /stores nothing/);
        await field(page, 'w1.paper').check();
        await field(page, 'w1.notes-1').fill('here');
        const text = await exported(page, 'Markdown');
        assert.match(text, /\[x\] Read LSM-Tree paper[^]*\nhere\n/);
    }));

    test('full storage: it is said, nothing is lost, and it is stored when there is room again', () => withPage({}, async (open, page) => {
        await openWith(open, page, { version: 1, ticks: {}, texts: { 'w1.notes-1': 'old' } });
        await page.evaluate(() => {
            const { setItem } = Storage.prototype;
            Storage.prototype.setItem = function set(key, value) {
                if (window.full !== false) throw new DOMException('full', 'QuotaExceededError');
                return setItem.call(this, key, value);
            };
        });
        await field(page, 'w1.paper').check();
        assert.match(await page.locator('.tracker-notices').innerText(), /no room/);
        assert.ok(await field(page, 'w1.paper').isChecked());
        assert.deepEqual((await stored(page)).ticks, {});
        await page.evaluate(() => { window.full = false; });
        await field(page, 'w1.diagram').check();
        assert.deepEqual(Object.keys((await stored(page)).ticks), ['w1.paper', 'w1.diagram']);
        assert.equal(await page.locator('.tracker-notices').innerText(), '');
    }));
});

describe('ticks by tests', () => {
    const write = (tasks, version = 1) => {
        const entries = Object.entries(tasks).map(([task, [passed, total]]) => [task, { passed, total, at: '2026-11-22T20:15:00Z' }]);
        fs.writeFileSync(`${resultsFile}.new`, JSON.stringify({ version, tasks: Object.fromEntries(entries) }));
        fs.renameSync(`${resultsFile}.new`, resultsFile);
    };
    after(() => fs.rmSync(resultsFile, { force: true }));

    test('they come while the page is open, and are told apart from ticks by hand', () => withPage({}, async (open) => {
        fs.rmSync(resultsFile, { force: true });
        const page = await open('progress.html');
        await field(page, 'w3.put-get-delete').check();
        write({ 3.1: [6, 6], 3.2: [1, 4] });
        await item(page, 'w3.mem-table').getByText('1 of 2 tasks').waitFor();
        assert.ok(!await field(page, 'w3.mem-table').isChecked());
        write({ 3.1: [6, 6], 3.2: [4, 4], 3.3: [3, 3], 3.4: [2, 2] });
        await item(page, 'w3.mem-table').getByText('by tests', { exact: true }).waitFor();
        assert.ok(await field(page, 'w3.mem-table').isChecked());
        assert.match(await page.locator('.tracker-status').innerText(), /Ticked by tests: Implement MemTable struct/);
        assert.equal(await side(page, 3), '3/12');
        assert.deepEqual(Object.keys((await stored(page)).ticks), ['w3.put-get-delete']);
        const text = await exported(page, 'Markdown');
        assert.match(text, /^- \[x\] Implement MemTable struct <!-- w3\.mem-table tests -->$/m);
        assert.match(text, /^- \[x\] Implement put\/get\/delete <!-- w3\.put-get-delete -->$/m);

        // A tick by tests can't be taken away by hand; a tick by hand stays when tests fail.
        await field(page, 'w3.mem-table').click();
        assert.ok(await field(page, 'w3.mem-table').isChecked());
        write({ 3.1: [5, 6] });
        await page.waitForFunction(() => !document.getElementById('tracker-w3.mem-table').checked);
        assert.ok(await field(page, 'w3.put-get-delete').isChecked());
    }));

    for (const [what, text] of [['half a file', '{"version": 1, "tasks": {"3.1"'], ['another version', '{"version": 2, "tasks": {"3.1": {"passed": 1, "total": 1}}}'],
        ['malformed entries', '{"version": 1, "tasks": {"3.1": null, "3.2": {"passed": "<b>", "total": "<b>"}, "1.4": {"passed": 0, "total": 0}}}'], ['no object', '7']]) {
        test(`${what} is no results`, () => withPage({}, async (open) => {
            fs.writeFileSync(resultsFile, text);
            const page = await open('progress.html');
            // Asked for a second time: the first answer has been read.
            for (let time = 0; time < 2; time += 1) await page.waitForResponse(`${held.server.url}results.json`);
            assert.equal(await page.locator('.tracker-item input:checked').count(), 0);
        }));
    }
});

describe('time', () => {
    test('the timer runs on after a reload, stops, and can be corrected', () => withPage({}, async (open, page) => {
        await openWith(open, page, { version: 1, ticks: {}, texts: {}, seconds: 3600 });
        await page.getByRole('button', { name: 'Start the timer' }).click();
        await page.evaluate((key) => {
            const found = JSON.parse(localStorage.getItem(key));
            found.since = new Date(Date.now() - 1800 * 1000).toISOString();
            localStorage.setItem(key, JSON.stringify(found));
        }, KEY);
        await page.reload();
        assert.match(await page.locator('.tracker-clock').innerText(), /^0:30:0/);
        assert.equal(await field(page, 'hours').inputValue(), '1.5');
        assert.equal(JSON.parse(await exported(page, 'JSON')).since, undefined);
        await page.getByRole('button', { name: 'Stop the timer' }).click();
        const { seconds, since } = await stored(page);
        assert.ok(seconds >= 5400 && seconds < 5430 && since === undefined, `${seconds} ${since}`);
        await field(page, 'hours').fill('2,25');
        await field(page, 'hours').press('Tab');
        assert.equal((await stored(page)).seconds, 8100);
        await field(page, 'hours').fill('many');
        await field(page, 'hours').press('Tab');
        assert.match(await page.locator('.tracker-wrong').innerText(), /number/);
        assert.equal((await stored(page)).seconds, 8100);
    }));

    test('started and completed are dates that can be changed and emptied', () => withPage({}, async (open) => {
        const page = await open('progress.html');
        await field(page, 'started').fill('2026-11-22');
        await field(page, 'completed').fill('2027-01-17');
        assert.deepEqual(await stored(page), { version: 1, ticks: {}, texts: {}, started: '2026-11-22', completed: '2027-01-17' });
        await field(page, 'completed').fill('');
        assert.equal((await stored(page)).completed, undefined);
    }));
});

test('everything works from the keyboard, and what has the focus shows it', () => withPage({}, async (open) => {
    const page = await open('week3/index.html');
    await field(page, 'w3.mem-table').focus();
    await page.keyboard.press('Space');
    assert.ok(await field(page, 'w3.mem-table').isChecked());
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.closest('.tracker-item')?.dataset.id), 'w3.mem-table');
    for (let at = 0; at < 7; at += 1) await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'tracker-w3.notes-1');
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
    await page.keyboard.type('By keys');
    await page.keyboard.press('Tab');
    assert.deepEqual((await stored(page)).texts, { 'w3.notes-1': 'By keys' });

    await open('progress.html');
    await page.getByRole('button', { name: 'Clear everything' }).focus();
    await page.keyboard.press('Enter');
    assert.ok(await asked(page).evaluate((element) => element === document.activeElement));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.deepEqual(await stored(page), { version: 1, ticks: {}, texts: {} });
}));

test('a screen reader is told what each thing is', () => withPage({}, async (open) => {
    const page = await open('progress.html');
    const wrong = await page.locator('.tracker :is(input, textarea, button)').evaluateAll((elements) => elements
        .filter((element) => !(element.labels?.length || element.textContent.trim())).map(({ id, className }) => id || className));
    assert.deepEqual(wrong, []);
    assert.equal(await page.getByRole('textbox', { name: 'Challenges on Day 1-2: MemTable' }).count(), 1);
    assert.equal(await page.locator('.tracker-status[role="status"]').count(), 1);
}));

describe('looks', () => {
    for (const at of ['progress.html', 'week3/index.html']) {
        test(`${at} fits a phone`, () => withPage({ viewport: phone }, async (open, page) => {
            await openWith(open, page, { ...FULL, texts: { 'w3.notes-1': 'a'.repeat(300), unplaced: 'b'.repeat(300) } }, at);
            assert.deepEqual(await page.evaluate(tooWide), []);
            if (at === 'progress.html') {
                await choose(page, `${'c'.repeat(120)}.json`, JSON.stringify({ ...FULL, texts: { 'w3.notes-1': 'd'.repeat(300) } }));
                assert.deepEqual(await page.evaluate(tooWide), []);
            }
        }));
    }

    test('both themes have enough contrast, also for what is asked and said', () => withPage({}, async (open, page) => {
        await openWith(open, page, '{"damaged');
        await field(page, 'w1.paper').check();
        await page.evaluate((full) => localStorage.setItem('tinydb-course.progress', full), JSON.stringify(FULL));
        await choose(page, 'a.json', JSON.stringify({ ...FULL, ticks: {}, texts: { 'w1.notes-1': 'x' } }));
        await asked(page).getByRole('radio', { name: /^Replace/ }).check();
        assert.deepEqual(await page.evaluate(lowContrast), []);
        await page.click('#mdbook-theme-toggle');
        await page.click('#mdbook-theme-navy');
        assert.equal(await page.locator('html.navy').count(), 1);
        assert.ok(await asked(page).isVisible());
        assert.deepEqual(await page.evaluate(lowContrast), []);
    }));

    test('on paper: texts in full, and nothing to press', () => withPage({}, async (open, page) => {
        const long = Array.from({ length: 60 }, (_, line) => `line ${line}`).join('\n');
        await openWith(open, page, { ...FULL, texts: { 'w1.notes-1': long } });
        await page.emulateMedia({ media: 'print' });
        assert.ok((await page.locator('main').innerText()).includes('line 59'));
        assert.equal(await page.locator('.tracker :is(button, textarea):visible').count(), 0);
        assert.ok(await field(page, 'w1.paper').isVisible());
        assert.deepEqual(await page.evaluate(lowContrast), []);
    }));

    test('the page of the whole book has no tracker in it', () => withPage({}, async (open) => {
        const page = await open('print.html');
        assert.equal(await page.locator('main .tracker-item').count(), 0);
    }));
});

test('without scripts the page says what it is, and links the plan', () => withPage({ javaScriptEnabled: false }, async (open) => {
    const page = await open('progress.html');
    assert.match(await page.locator('main').innerText(), /Your progress[^]*without scripts/);
    assert.ok(await page.locator('main a[href="plan.html"]').count() > 0);
}));

test('it works from a file', async () => {
    const context = await held.browser.newContext({ acceptDownloads: true });
    const page = await context.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('request', (request) => { if (!/^(file|data|blob):/.test(request.url())) wrong.push(request.url()); });
    await page.goto(pathToFileURL(path.join(book, 'progress.html')).href);
    await field(page, 'w1.paper').check();
    await page.reload();
    assert.ok(await field(page, 'w1.paper').isChecked());
    assert.match(await exported(page, 'Markdown'), /\[x\] Read LSM-Tree paper/);
    await context.close();
    assert.deepEqual(wrong, []);
});
