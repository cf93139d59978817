// The tracker's import and export, given what nobody would write: progress, Markdown and JSON made up from a seed.
//
//     node book/e2e/tracker_fuzz.js --runs 10000000
//     node book/e2e/tracker_fuzz.js --seed 1234567 --runs 1
//
// Run number n of a seed is run 0 of seed + n, so what fails is run again alone. tracker_fuzz.test.js makes a thousand.
//
// A failure is: an import that throws anything but a reason why there is nothing to import; progress that comes back from
// its own export as another; a merge that takes something away, or that does more when it is done twice; a line of a file
// that is neither the plan's nor kept.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const theme = (name) => fs.readFileSync(new URL(`../theme/${name}`, import.meta.url), 'utf8');

// ---------- The tracker without a page ----------

/** The beginnings of the plan's parts: with all of it, a run would take many times as long. */
function smallPlan() {
    const window = {};
    new Function('window', theme('plan.js'))(window);
    const plan = window.tinydbPlan;
    plan.week.splice(1);
    for (const { part } of plan.week) for (const { item } of part) item.splice(2);
    for (const list of [plan.question, plan.insight]) list.splice(2);
    plan.next_step.splice(1);
    plan.resource.splice(1);
    plan.check.splice(1);
    return plan;
}

const NAMES = 'named, headings, LEAD, empty, linesOf, understood, stored, stopped, toMarkdown, fromMarkdown, withoutPlace, merging, replacing, differences';

/** The tracker's own functions. They are handed out where it would begin to build the page. */
function load() {
    const source = theme('tracker.js');
    const at = source.lastIndexOf('    try {\n        start();');
    assert(at > 0, 'the place in tracker.js where it starts');
    const element = () => ({ append() {}, setAttribute() {} });
    const window = { tinydbPlan: smallPlan() };
    const run = new Function('window', 'document', 'localStorage', `${source.slice(0, at)} window.tracker = { ${NAMES} };\n})();`);
    run(window, { createElement: element }, { getItem: () => null });
    return window.tracker;
}

const tracker = load();
const ids = [...tracker.named.keys()];
const ticks = ids.filter((id) => tracker.named.get(id).kind === 'tick');
const texts = ids.filter((id) => tracker.named.get(id).kind === 'text');
const form = tracker.toMarkdown(tracker.empty()).split('\n');
const heads = [...tracker.headings];

// ---------- Made up from a seed ----------

/** Numbers from a seed: mulberry32, after its seed is spread by one step of splitmix32. */
class Dice {
    constructor(seed) {
        let mixed = (seed + 0x9e3779b9) | 0;
        mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
        mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
        this.state = mixed ^ (mixed >>> 16);
    }

    below(count) {
        this.state = (this.state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
    }

    one(list) {
        return list[this.below(list.length)];
    }

    /** True once in so many times. */
    once(count) {
        return this.below(count) === 0;
    }

    list(most, make) {
        const made = [];
        for (let left = this.below(most + 1); left > 0; left -= 1) made.push(make());
        return made;
    }
}

const PIECES = ['', ' ', '\t', '  ', '---', '\\', '\\\\', 'x', 'WAL', '# My own', '## Week 9: Mine', '- [ ] ', '- [x] ', '* [X] ', '   - Answer:', '- Answer: ',
    '**Notes:**', '**Started:** 2026-11-01', '**Started:** soon', '**Completed:** 2026-13-01', '**Total Time:** 3.5 hours', '**Total Time:** 1e9', '<!--', '-->',
    '<!-- unplaced -->', '<!-- nobody.knows -->', ' tests -->', '\u2028', '\u00a0', '\uFEFF', 'é', '😀', '\ud800', '`code`', '__proto__', 'constructor', '$&', '\r'];

const piece = (dice) => (dice.once(4) ? `<!-- ${dice.one(ids)}${dice.once(4) ? ' tests' : ''} -->` : dice.once(6) ? dice.one(heads) : dice.once(8) ? dice.one(form) : dice.one(PIECES));
const line = (dice) => dice.list(3, () => piece(dice)).join('');
const written = (dice) => dice.list(4, () => line(dice)).join('\n');
const time = (dice) => new Date(1.7e12 + dice.below(1e9) * 100).toISOString();
const day = (dice) => time(dice).slice(0, 10);

/** Progress as a browser could hold it. */
function progress(dice) {
    const made = tracker.empty();
    dice.list(4, () => { made.ticks[dice.one(ticks)] = time(dice); });
    dice.list(4, () => { made.texts[dice.one(texts)] = written(dice); });
    if (dice.once(2)) made.started = day(dice);
    if (dice.once(4)) made.completed = day(dice);
    if (dice.once(2)) made.seconds = dice.below(500000);
    return made;
}

/** A sheet that somebody has edited, without much care. */
function sheet(dice) {
    const lines = tracker.toMarkdown(progress(dice)).split('\n');
    for (let edits = dice.below(8); edits > 0; edits -= 1) {
        const at = dice.below(lines.length);
        switch (dice.below(7)) {
            case 0: lines.splice(at, 1); break;
            case 1: lines.splice(at, 0, line(dice)); break;
            case 2: lines.splice(at, 1 + dice.below(20)); break;
            case 3: lines.splice(at, 0, dice.one(lines)); break;
            case 4: lines[at] = lines[at].replace('[ ]', '[x]'); break;
            default: {
                const cut = dice.below(lines[at].length + 1);
                lines[at] = lines[at].slice(0, cut) + piece(dice) + lines[at].slice(cut + dice.below(3));
            }
        }
        if (!lines.length) lines.push('');
    }
    return (dice.once(8) ? '\uFEFF' : '') + lines.join(dice.once(4) ? '\r\n' : '\n');
}

/** Any value of JSON. */
function value(dice, depth = 2) {
    switch (dice.below(depth > 0 ? 10 : 7)) {
        case 0: return null;
        case 1: return dice.one([0, 1, -1, 1.5, 1e300, 2 ** 53, true, false]);
        case 2: return time(dice);
        case 3: return day(dice);
        case 4: return dice.one(['', 'soon', '0', '9999-99-99', 'x'.repeat(50)]);
        case 5: case 6: return written(dice);
        case 7: return dice.list(3, () => value(dice, depth - 1));
        default: return object(dice, depth - 1);
    }
}

function object(dice, depth) {
    const made = Object.create(null);
    dice.list(4, () => { made[dice.once(2) ? dice.one(ids) : dice.one(PIECES)] = value(dice, depth); });
    return made;
}

/** A file of JSON that somebody has edited. */
function json(dice) {
    const made = tracker.stored(progress(dice));
    dice.list(3, () => { made[dice.one(['version', 'ticks', 'texts', 'started', 'completed', 'seconds', 'since', 'later', '__proto__x'])] = value(dice); });
    dice.list(2, () => { if (made.ticks && typeof made.ticks === 'object') made.ticks[dice.one(ids)] = value(dice, 0); });
    dice.list(2, () => { if (made.texts && typeof made.texts === 'object') made.texts[dice.one(PIECES)] = value(dice, 0); });
    if (!dice.once(4)) made.version = 1;
    const text = JSON.stringify(made, null, dice.below(3)).replaceAll('__proto__x', '__proto__');
    if (!dice.once(8)) return text;
    const cut = dice.below(text.length);
    return text.slice(0, cut) + piece(dice) + text.slice(cut + dice.below(4));
}

// ---------- What has to hold ----------

/** `assert.deepEqual` takes most of a run's time, where nearly always all is well. */
function same(found, expected, rule) {
    if (JSON.stringify(found) !== JSON.stringify(expected)) assert.deepEqual(found, expected, rule);
}

const content = (text) => tracker.linesOf(text ?? '').join('\n');
const hours = (seconds) => Math.round((seconds ?? 0) / 36);

/** Progress without what is no difference: empty texts and lines around a text, times of ticks. */
function essence(of) {
    return { ticks: Object.keys(of.ticks).sort(), texts: contents(of.texts), started: of.started, completed: of.completed, hours: hours(of.seconds) };
}

function contents(texts) {
    const found = Object.create(null);
    for (const id of Object.keys(texts).sort()) {
        const text = content(texts[id]);
        if (text) found[id] = text;
    }
    return found;
}

function checkExport(mine) {
    const expected = essence(mine);
    const back = tracker.fromMarkdown(tracker.toMarkdown(mine));
    same(essence(back.state), expected, 'progress comes back from Markdown');
    same(back.unplaced, [], 'everything has its place');
    const again = tracker.understood(JSON.parse(JSON.stringify(tracker.stored(mine))));
    same(again.wrong, [], 'what is stored is understood');
    same(essence(again.state), expected, 'progress comes back from JSON');
}

function checkTogether(mine, theirs) {
    const both = tracker.merging(mine, theirs);
    const lost = tracker.differences(mine, both).filter(({ loses }) => loses);
    same(lost, [], 'a merge takes nothing away');
    for (const id of Object.keys(theirs.ticks)) if (!(id in both.ticks)) assert.fail(`a merge brings the tick ${id}`);
    for (const id of Object.keys(theirs.texts)) if (!(both.texts[id] ?? '').includes(theirs.texts[id])) assert.fail(`a merge brings the text ${id}`);
    same(essence(tracker.merging(both, theirs)), essence(both), 'a merge that is done twice');
    same(contents(tracker.replacing(mine, theirs).texts), contents(theirs.texts), 'what replaces is there');
}

/** What a text is imported as; nothing if it is refused with a reason. */
function imported(act, reasons) {
    try {
        return act();
    } catch (error) {
        assert(reasons.some((reason) => error.message.startsWith(reason)), `an import fails with ${error.stack}`);
        return null;
    }
}

function checkMarkdown(text, mine) {
    const found = imported(() => tracker.fromMarkdown(text), ['no line of it is one of the plan']);
    if (!found) return;
    checkKept(text, found.state);
    for (const id of Object.keys(found.state.ticks)) assert(ticks.includes(id), `a tick of the plan: ${id}`);
    checkExport(found.state);
    checkTogether(mine, found.state);
}

/** A line that may be one of the plan's, and not the reader's. */
const PLANS = /<!--|^\\|^---$|^\uFEFF|Answer:|^\*\*(Started|Completed|Total Time):\*\*/;

/** Lines that could be nothing but the reader's are kept. */
function checkKept(text, state) {
    const kept = Object.values(state.texts).join('\n');
    for (const line of text.replace(/\r\n?/g, '\n').split('\n').map((one) => one.trim())) {
        const isPlans = PLANS.test(line) || tracker.headings.has(line) || line === tracker.LEAD;
        if (!isPlans && !kept.includes(line)) assert.fail(`the line ${JSON.stringify(line)} is kept`);
    }
}

function checkJson(text, mine) {
    let parsed;
    try {
        parsed = JSON.parse(text);
    } catch {
        return;
    }
    const found = imported(() => tracker.understood(parsed), ['it is no progress of this course', 'it has version ']);
    if (!found) return;
    const theirs = tracker.stopped(found.state);
    tracker.withoutPlace(theirs);
    const again = tracker.understood(JSON.parse(JSON.stringify(tracker.stored(theirs))));
    same(again.wrong, [], 'what is stored is understood');
    same(essence(again.state), essence(theirs), 'what is understood comes back');
    same(Object.entries(again.state.rest), Object.entries(theirs.rest), 'what a later version stores stays');
    tracker.toMarkdown(theirs);
    checkTogether(mine, theirs);
}

/** One run. Fails with the seed that makes it again. */
export function check(seed) {
    const dice = new Dice(seed);
    const mine = progress(dice);
    let made = mine;
    try {
        switch (dice.below(4)) {
            case 0: return checkExport(mine);
            case 1: return checkJson(made = json(dice), mine);
            default: return checkMarkdown(made = sheet(dice), mine);
        }
    } catch (error) {
        error.message += `\n\nOf: ${JSON.stringify(made)}\nAnd: ${JSON.stringify(mine)}\nAgain: node book/e2e/tracker_fuzz.js --seed ${seed} --runs 1`;
        throw error;
    }
}

function main() {
    const option = (name, otherwise) => {
        const at = process.argv.indexOf(`--${name}`);
        return at < 0 ? otherwise : Number(process.argv[at + 1]);
    };
    const [seed, runs] = [option('seed', 1), option('runs', 1e6)];
    const began = Date.now();
    for (let run = 0; run < runs; run += 1) {
        check(seed + run);
        if ((run + 1) % 1e5 === 0) console.log(`${run + 1} runs, ${Math.round((Date.now() - began) / 1000)} s`);
    }
    console.log(`${runs} runs from seed ${seed}, none failing, ${Math.round((Date.now() - began) / 1000)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
