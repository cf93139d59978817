// The tracker: what a reader has done, on the page "Your progress", on each week's first page and in the sidebar.
//
// The plan comes from plan.js, made from book/plan.toml. On a page: <div class="tracker"></div> for all of it, or
// <div class="tracker" data-week="3"></div> for a week's part. What the reader ticks and writes is stored in the browser
// under KEY, by the plan's ids. Ticks by tests are not stored: they come from results.json, beside the book's first page,
// which `cargo course test` writes. Whatever a reader wrote or imported is put on the page as text and never as markup.
(() => {
    'use strict';

    const plan = window.tinydbPlan;
    const root = typeof path_to_root === 'string' ? path_to_root : '';
    if (!plan) return;

    const KEY = 'tinydb-course.progress';
    const KEPT = `${KEY}.kept-`;
    const BEFORE = `${KEY}.before`;
    const SEEN = 'tinydb-course.by-tests';
    const VERSION = 1;
    const MOST_BYTES = 8 << 20;
    const TYPING = 500;
    const POLL = 2000;
    const POLL_NOTHING = 10000;
    const LONG_RUN = 6 * 3600;

    // ---------- The plan ----------

    /** What is called by an id: { id, text, where, kind }. The order is the plan's. */
    const named = new Map();
    const name = (id, text, where, kind, more = {}) => named.set(id, { id, text, where, kind, ...more });
    for (const week of plan.week) {
        for (const part of week.part) {
            const where = `week ${week.number}, ${part.days.toLowerCase()}`;
            for (const item of part.item) name(item.id, plain(item.text), where, 'tick', { tasks: item.tasks });
            name(part.notes.id, part.notes.label, where, 'text');
        }
    }
    for (const { id, text } of plan.question) name(id, plain(text), 'questions', 'text', { form: 'answer' });
    name('question.own', 'Your own questions', 'questions', 'text');
    for (const { id, text } of plan.insight) name(id, plain(text), 'key insights', 'text', { form: 'insight' });
    name('insight.own', 'Your own insights', 'key insights', 'text');
    for (const { id, text, tasks } of plan.next_step) name(id, plain(text), 'next steps', 'tick', { tasks });
    for (const { id, text, tasks } of plan.resource) name(id, plain(text), 'resources', 'tick', { tasks });
    name('resource.own', 'Helpful links', 'resources', 'text');
    for (const { id, text, tasks } of plan.check) name(id, plain(text), 'checklist', 'tick', { tasks });
    name('unplaced', 'What had no place', 'imported', 'text');

    const itemsOf = (week) => week.part.flatMap(({ item }) => item);
    const allItems = plan.week.flatMap(itemsOf);

    function plain(text) {
        return text.replaceAll('`', '');
    }

    // ---------- What is known of the reader ----------

    const map = (entries = []) => {
        const made = Object.create(null);
        for (const [key, value] of entries) made[key] = value;
        return made;
    };

    const empty = () => ({ version: VERSION, ticks: map(), texts: map(), rest: map() });

    const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
    const isDay = (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
    const isTime = (value) => typeof value === 'string' && value.length < 40 && !Number.isNaN(Date.parse(value));
    const isSeconds = (value) => Number.isSafeInteger(value) && value >= 0;

    /** The progress that an object says, and what of it is malformed. Throws an error if it says none. */
    function understood(found) {
        if (!isObject(found)) throw new Error('it is no progress of this course');
        if (found.version !== VERSION) throw new Error(`it has version ${String(found.version).slice(0, 40)}, and this book knows version ${VERSION}`);
        const state = empty();
        const wrong = [];
        const take = (to, from, good, what) => {
            if (from === undefined) return;
            if (!isObject(from)) wrong.push(what);
            else for (const [id, value] of Object.entries(from)) {
                if (good(value)) to[id] = value;
                else wrong.push(`${what}: ${id}`);
            }
        };
        take(state.ticks, found.ticks, isTime, 'ticks');
        take(state.texts, found.texts, (value) => typeof value === 'string', 'texts');
        for (const [field, good] of [['started', isDay], ['completed', isDay], ['seconds', isSeconds], ['since', isTime]]) {
            if (found[field] === undefined || found[field] === null) continue;
            if (good(found[field])) state[field] = found[field];
            else wrong.push(field);
        }
        const fields = ['version', 'ticks', 'texts', 'started', 'completed', 'seconds', 'since'];
        for (const [field, value] of Object.entries(found)) if (!fields.includes(field)) state.rest[field] = value;
        return { state, wrong };
    }

    /** The object that is stored and exported. Its order is the plan's, so that equal progress is equal text. */
    function stored(state) {
        const ordered = (from) => {
            const known = [...named.keys()].filter((id) => id in from);
            const others = Object.keys(from).filter((id) => !named.has(id)).sort();
            return map([...known, ...others].filter((id) => from[id] !== '').map((id) => [id, from[id]]));
        };
        const made = map([['version', VERSION], ['ticks', ordered(state.ticks)], ['texts', ordered(state.texts)]]);
        for (const field of ['started', 'completed', 'seconds', 'since']) if (state[field]) made[field] = state[field];
        return Object.assign(made, state.rest);
    }

    /** Seconds until now, with those of a timer that runs. */
    const seconds = ({ seconds = 0, since }) => seconds + (since ? Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000)) : 0);

    /** The same progress with its timer stopped. */
    function stopped(state) {
        const next = { ...state, seconds: seconds(state) };
        delete next.since;
        return next;
    }

    const hours = (count) => String(Math.round(count / 36) / 100);

    function today() {
        const now = new Date();
        const two = (number) => String(number).padStart(2, '0');
        return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
    }

    // ---------- Storage ----------

    /** What had to be said about the storage, by kind. */
    const troubles = new Map();
    /** The progress, when the browser does not store it. */
    let held = null;

    const NOT_STORED = 'Your browser stores nothing for this book, or has no room left. What you tick and write now is '
        + 'lost when you leave this page: export it below, or on the page “Your progress”, before you go.';

    /** What is stored, read anew: another tab may have changed it. */
    function read() {
        if (held) return held;
        let raw;
        try {
            raw = localStorage.getItem(KEY);
        } catch {
            troubles.set('storage', NOT_STORED);
            held = empty();
            return held;
        }
        if (raw === null) return empty();
        try {
            const { state, wrong } = understood(JSON.parse(raw));
            if (wrong.length) keep(raw, `A part of it is malformed (${wrong.slice(0, 3).join(', ')})`);
            return state;
        } catch (error) {
            keep(raw, `It can't be read: ${error instanceof SyntaxError ? 'it is no JSON' : error.message}`);
            return held ?? empty();
        }
    }

    /** Puts what can't be read under a key of its own, once. Without room for that, nothing is written over it. */
    function keep(raw, why) {
        try {
            let key = Object.keys(localStorage).find((one) => one.startsWith(KEPT) && localStorage.getItem(one) === raw);
            if (!key) {
                key = KEPT + new Date().toISOString();
                localStorage.setItem(key, raw);
            }
            troubles.set('kept', `Your browser holds progress that this book can't use. ${why}. It is kept as it is under the name ${key}; `
                + 'the page “Your progress” lets you save it as a file.');
        } catch {
            held = empty();
            troubles.set('storage', `Your browser holds progress that this book can't use, and has no room to keep a copy of it. ${why}. `
                + 'It is left as it is, and what you tick and write now is not stored: export it before you go.');
        }
    }

    function write(state) {
        if (held && troubles.get('storage') !== NOT_STORED) {
            held = state;
            return false;
        }
        try {
            localStorage.setItem(KEY, JSON.stringify(stored(state)));
            held = null;
            troubles.delete('storage');
            return true;
        } catch {
            held = state;
            troubles.set('storage', NOT_STORED);
            return false;
        }
    }

    let state = read();
    /** What was typed and is not stored yet, by id. */
    const typed = new Map();
    let typing = null;

    /** Changes what is stored, and shows it. */
    function change(act, said) {
        state = read();
        for (const [id, text] of typed) state.texts[id] = text;
        typed.clear();
        clearTimeout(typing);
        act(state);
        const good = write(state);
        show();
        say(good ? said : 'Not stored: see the top of this page.');
    }

    function flush() {
        if (typed.size) change(() => {}, 'Saved.');
    }

    function begin(next) {
        if (!next.started && !Object.keys(next.ticks).length && !next.seconds) next.started = today();
    }

    // ---------- Results of tests ----------

    let results = map();

    /** The results that a text holds; none if it is malformed. */
    function resultsIn(text) {
        const made = map();
        try {
            const found = JSON.parse(text);
            if (found?.version !== 1 || !isObject(found.tasks)) return made;
            for (const [task, result] of Object.entries(found.tasks)) {
                if (isObject(result) && isSeconds(result.passed) && isSeconds(result.total)) made[task] = result;
            }
        } catch {
            // A file that is being written, or is no results.
        }
        return made;
    }

    const passes = (task) => results[task]?.total > 0 && results[task].passed === results[task].total;
    const byTests = ({ tasks }) => Boolean(tasks?.length) && tasks.every(passes);
    const isTicked = (item) => item.id in state.ticks || byTests(item);
    const count = (items) => items.filter(isTicked).length;

    let before = null;
    let polling = null;
    let missing = 0;

    async function poll() {
        clearTimeout(polling);
        if (document.visibilityState !== 'visible') return;
        let text = '';
        try {
            const answer = await fetch(`${root}results.json`, { cache: 'no-store' });
            if (answer.ok) text = await answer.text();
            missing = answer.ok ? 0 : missing + 1;
        } catch {
            missing += 1;
        }
        if (text !== before) {
            before = text;
            results = resultsIn(text);
            show();
            sayNew();
        }
        // Where nobody runs tests, as on a public site, the book does not ask for ever at the same pace.
        clearTimeout(polling);
        polling = setTimeout(poll, missing > 5 ? POLL_NOTHING : POLL);
    }

    /** Says which ticks came since the reader last saw a page: `cargo course serve` loads the page anew for new results. */
    function sayNew() {
        const now = [...named.values()].filter((item) => item.kind === 'tick' && byTests(item)).map(({ id }) => id);
        try {
            const seen = sessionStorage.getItem(SEEN);
            sessionStorage.setItem(SEEN, JSON.stringify(now));
            if (seen === null) return;
            const fresh = now.filter((id) => !seen.includes(`"${id}"`)).map((id) => named.get(id));
            if (fresh.length) say(`Ticked by tests: ${fresh[0].text} (${fresh[0].where})${fresh.length > 1 ? `, and ${fresh.length - 1} more` : ''}.`);
        } catch {
            // It is not said, then.
        }
    }

    // ---------- Markdown ----------

    const comment = (id) => `<!-- ${id} -->`;
    const headings = new Set([
        '# TinyDB Learning Progress', '## Questions and Answers', '### Questions', '## Key Insights', '## Next Steps',
        '## Resources Used', '## Completion Checklist',
        ...plan.week.map(({ number, title }) => `## Week ${number}: ${title}`),
        ...plan.week.flatMap(({ part }) => part.map(({ days, title }) => `### ${days}: ${title}`)),
    ]);
    /** What is in front of a text's lines, by its form. */
    const INDENTS = { answer: /^ {0,5}/, insight: /^ {0,3}/ };
    const LEAD = 'Track your progress as you learn SlateDB by building TinyDB.';

    /** The known id that a line carries in a comment: [id, what is before, what is after, is it by tests]. */
    function idIn(line) {
        if (!line.includes('<!--')) return null;
        for (const found of line.matchAll(/<!--\s*([a-z0-9][a-z0-9.-]*)(\s+tests)?\s*-->/g)) {
            if (named.has(found[1])) return [found[1], line.slice(0, found.index), line.slice(found.index + found[0].length), Boolean(found[2])];
        }
        return null;
    }

    const isForm = (line) => line.trimEnd() === '---' || headings.has(line.trimEnd()) || idIn(line) !== null;
    const bare = (line) => line.replace(/^\\+/, '');
    /** A line of the reader's that looks like one of the plan's has a backslash in front. */
    const escaped = (line) => (isForm(bare(line)) ? `\\${line}` : line);
    const unescaped = (line) => (line.startsWith('\\') && isForm(bare(line)) ? line.slice(1) : line);

    /** The lines of a text without the empty ones around it. */
    const linesOf = (text) => (text ? trimmed(text.replace(/\r\n?/g, '\n').split('\n')) : []);

    function trimmed(lines) {
        let [from, to] = [0, lines.length];
        while (from < to && !lines[from].trim()) from += 1;
        while (from < to && !lines[to - 1].trim()) to -= 1;
        return lines.slice(from, to);
    }

    function toMarkdown(of) {
        const out = [];
        const now = stopped(of);
        const tick = (item) => {
            const mark = item.id in now.ticks ? `[x] ${item.text} ${comment(item.id)}`
                : byTests(item) ? `[x] ${item.text} ${comment(`${item.id} tests`)}` : `[ ] ${item.text} ${comment(item.id)}`;
            out.push(`- ${mark}`);
        };
        const text = (id, indent = '') => linesOf(now.texts[id] ?? '').map((line) => (line ? indent + escaped(line) : ''));
        const free = (head, id) => {
            const lines = text(id);
            out.push(`${head} ${comment(id)}`, ...(lines.length ? lines : ['']), '');
        };
        out.push('# TinyDB Learning Progress', '', LEAD, '', '---', '');
        for (const week of plan.week) {
            out.push(`## Week ${week.number}: ${week.title}`, '');
            for (const part of week.part) {
                out.push(`### ${part.days}: ${part.title}`);
                part.item.forEach(tick);
                out.push('');
                free(`**${part.notes.label}:**`, part.notes.id);
            }
            out.push('---', '');
        }
        out.push('## Questions and Answers', '', '### Questions');
        plan.question.forEach(({ id, text: question }, at) => {
            const [first, ...more] = text(id, '     ');
            out.push(`${at + 1}. ${question} ${comment(id)}`, `   - Answer:${first ? ` ${first.slice(5)}` : ''}`, ...more, '');
        });
        free('### Add your own questions here:', 'question.own');
        out.push('---', '', '## Key Insights', '');
        plan.insight.forEach(({ id, text: insight }, at) => out.push(`${at + 1}. ${insight} ${comment(id)}`, ...text(id, '   '), ''));
        free('### Add your insights:', 'insight.own');
        out.push('---', '', '## Next Steps', '');
        plan.next_step.forEach(tick);
        out.push('', '---', '', '## Resources Used', '');
        plan.resource.forEach(tick);
        out.push('');
        free('### Helpful links:', 'resource.own');
        out.push('---', '', '## Completion Checklist', '');
        plan.check.forEach(tick);
        const time = hours(now.seconds);
        out.push('', '---', '', `**Started:** ${now.started ?? '[Date]'}`, `**Completed:** ${now.completed ?? '[Date]'}`);
        out.push(`**Total Time:** ${time === '0' ? '[Hours]' : `${time} hours`}`);
        const others = withoutPlace(now);
        if (others.length) out.push('', '---', '', `## Not placed ${comment('unplaced')}`, '', ...others.map(escaped));
        return `${out.join('\n')}\n`;
    }

    /** What the plan has no place for: imported lines, and what is stored under ids that are in no plan. */
    function withoutPlace(of) {
        const others = Object.keys(of.ticks).filter((id) => !named.has(id)).sort().map((id) => `- [x] ${id}`);
        for (const id of Object.keys(of.texts).filter((one) => !named.has(one)).sort()) {
            if (of.texts[id].trim()) others.push(`${id}:`, ...linesOf(of.texts[id]));
        }
        return [...linesOf(of.texts.unplaced ?? ''), ...others];
    }

    /** The progress that a text in the plan's form says: { state, unplaced, tests }. */
    function fromMarkdown(text) {
        const found = empty();
        const unplaced = [];
        let tests = 0;
        let field = null;
        let placed = 0;
        const close = () => {
            if (field) {
                const { indent, answer } = field;
                const lines = trimmed(field.lines).map((line, at) => {
                    const head = line.match(answer && at === 0 ? /^ {0,4}[-*] Answer: ?/ : indent);
                    return unescaped(head ? line.slice(head[0].length) : line.trimStart());
                });
                const content = trimmed(lines).join('\n');
                if (content) found.texts[field.id] = field.id in found.texts ? `${found.texts[field.id]}\n${content}` : content;
            }
            field = null;
        };
        for (const line of text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n').split('\n')) {
            const isEscaped = /^\s*(?:[-*] Answer:\s*)?\\/.test(line);
            const carried = isEscaped ? null : idIn(line);
            if (carried) {
                close();
                placed += 1;
                const [id, head, tail, isByTests] = carried;
                const { kind, form } = named.get(id);
                if (kind === 'tick') {
                    const box = head.match(/^\s*[-*+] \[([ xX])\]/);
                    if (box && box[1] !== ' ' && isByTests) tests += 1;
                    else if (box && box[1] !== ' ') found.ticks[id] = new Date().toISOString();
                    if (!box) unplaced.push(line);
                    else if (tail.trim()) unplaced.push(tail.trim());
                } else {
                    field = { id, indent: INDENTS[form] ?? /^/, answer: form === 'answer', lines: [] };
                    // Somebody may write right behind the label.
                    const behind = head.match(/^\*\*[^*]*\*\*\s*(.*?)\s*$/)?.[1];
                    for (const part of [behind, tail.trim()]) if (part) field.lines.push(part);
                }
            } else if (!isEscaped && (line.trimEnd() === '---' || headings.has(line.trimEnd()))) {
                close();
                if (line.startsWith('#')) placed += 1;
            } else if (field) {
                field.lines.push(line);
            } else if (!atEnd(line, found) && line.trim() && line.trim() !== LEAD) {
                unplaced.push(line);
            }
        }
        close();
        if (!placed) throw new Error('no line of it is one of the plan');
        if (unplaced.length) found.texts.unplaced = [found.texts.unplaced, ...unplaced].filter(Boolean).join('\n');
        return { state: found, unplaced, tests };
    }

    /** Reads one of the three lines at the end. */
    function atEnd(line, found) {
        const [, what, value] = line.match(/^\*\*(Started|Completed|Total Time):\*\*\s*(.*?)\s*$/) ?? [];
        if (!what) return false;
        if (value === '' || value === '[Date]' || value === '[Hours]') return true;
        if (what === 'Total Time') {
            const time = value.match(/^(\d{1,6}(?:\.\d+)?)(?: hours?)?$/);
            if (!time) return false;
            found.seconds = Math.round(Number(time[1]) * 3600);
            return true;
        }
        if (!isDay(value)) return false;
        found[what.toLowerCase()] = value;
        return true;
    }

    // ---------- Merging ----------

    const replacing = (mine, theirs) => {
        const next = { ...theirs, ticks: map(Object.entries(theirs.ticks)) };
        for (const id of Object.keys(next.ticks)) if (mine.ticks[id]) next.ticks[id] = mine.ticks[id];
        // Markdown gives hours, and not every second.
        if (next.seconds && hours(next.seconds) === hours(seconds(mine))) next.seconds = seconds(mine);
        return next;
    };

    /** Both together: nothing of either is lost. */
    function merging(mine, theirs) {
        const next = { ...mine, ticks: map(Object.entries({ ...theirs.ticks, ...mine.ticks })), texts: map(Object.entries(mine.texts)) };
        for (const [id, text] of Object.entries(theirs.texts)) {
            const own = mine.texts[id] ?? '';
            if (own.includes(text)) continue;
            next.texts[id] = !own.trim() || text.includes(own) ? text : `${own.trimEnd()}\n\n${text}`;
        }
        next.started = [mine.started, theirs.started].filter(Boolean).sort()[0];
        next.completed = mine.completed ?? theirs.completed;
        if ((theirs.seconds ?? 0) > seconds(mine) && hours(theirs.seconds) !== hours(seconds(mine))) {
            next.seconds = theirs.seconds;
            if (next.since) next.since = new Date().toISOString();
        }
        next.rest = map(Object.entries({ ...theirs.rest, ...mine.rest }));
        return next;
    }

    /** What is different, in words: { text, from, to, loses }. */
    function differences(mine, next) {
        const found = [];
        const ids = (field) => [...new Set([...named.keys(), ...Object.keys(mine[field]), ...Object.keys(next[field])])];
        const called = (id) => (named.has(id) ? `${named.get(id).text} (${named.get(id).where})` : id);
        for (const id of ids('ticks')) {
            if (id in next.ticks && !(id in mine.ticks)) found.push({ text: `Tick: ${called(id)}` });
            if (id in mine.ticks && !(id in next.ticks)) found.push({ text: `Untick: ${called(id)}`, loses: true });
        }
        for (const id of ids('texts')) {
            const [from, to] = [mine.texts[id] ?? '', next.texts[id] ?? ''];
            if (from === to) continue;
            // Space at the end of a text is nothing to lose.
            const words = from.trimEnd();
            const text = !from ? 'Write' : !to ? 'Empty' : to.startsWith(words) ? 'Add to' : 'Replace';
            found.push({ text: `${text}: ${called(id)}`, from, to, loses: !to.includes(words) });
        }
        const line = (what, from, to) => {
            if (from !== to) found.push({ text: `${what}: ${from || 'nothing'} becomes ${to || 'nothing'}`, loses: Boolean(from) && !to });
        };
        line('Started', mine.started, next.started);
        line('Completed', mine.completed, next.completed);
        if (hours(seconds(mine)) !== hours(seconds(next))) line('Total time', `${hours(seconds(mine))} hours`, `${hours(seconds(next))} hours`);
        return found;
    }

    // ---------- Elements ----------

    /** An element with a class, and children: elements, or text. */
    function make(tag, className, ...children) {
        const element = document.createElement(tag);
        if (className) element.className = className;
        element.append(...children.filter((child) => child !== null));
        return element;
    }

    function button(label, act, className = '') {
        const element = make('button', `tracker-button ${className}`.trim(), label);
        element.type = 'button';
        element.addEventListener('click', act);
        return element;
    }

    /** "3/12" for the eye, "3 of 12" for a screen reader. */
    function ratio(done, all, head = '', tail = '') {
        const slash = make('span', 'tracker-slash', '/');
        slash.setAttribute('aria-hidden', 'true');
        return [...(head ? [unseen(head)] : []), String(done), slash, unseen(' of '), String(all), ...(tail ? [unseen(tail)] : [])];
    }

    const unseen = (text) => make('span', 'unseen', text);

    /** Text of the plan: what is between backticks is code. */
    const marked = (text) => text.split('`').map((part, at) => (at % 2 ? make('code', '', part) : part));

    function heading(level, id, ...children) {
        const element = make(`h${level}`, '');
        if (id) {
            const link = make('a', 'header', ...children);
            link.href = `#${id}`;
            element.id = id;
            element.append(link);
        } else {
            element.append(...children);
        }
        return element;
    }

    const address = (page) => root + page.replace(/\.md(?=#|$)/, '.html');

    /** A page's name, from the sidebar. */
    function titleOf(page) {
        const path = new URL(address(page), document.baseURI).pathname;
        for (const link of document.querySelectorAll('#mdbook-sidebar .chapter-item > .chapter-link-wrapper > a[href]')) {
            if (new URL(link.href, document.baseURI).pathname === path) return (link.dataset.title ??= link.textContent.trim());
        }
        return 'its page';
    }

    function bar(className = '') {
        const fill = make('span', 'tracker-fill');
        const element = make('span', `tracker-bar ${className}`.trim(), fill);
        element.setAttribute('aria-hidden', 'true');
        return { element, set: (done, all) => {
            fill.style.inlineSize = `${all ? (100 * done) / all : 0}%`;
            element.classList.toggle('tracker-full', all > 0 && done === all);
        } };
    }

    // What shows the state, and is called when it changes.
    const views = [];
    const show = () => views.forEach((view) => view());
    const view = (act) => {
        views.push(act);
        act();
    };

    const saying = make('div', 'tracker-status');
    saying.setAttribute('role', 'status');
    let quiet = null;

    function say(text) {
        if (!text) return;
        saying.textContent = text;
        saying.classList.add('tracker-said');
        clearTimeout(quiet);
        quiet = setTimeout(() => saying.classList.remove('tracker-said'), 2600);
    }

    // ---------- Items and texts ----------

    function itemOf(item) {
        const box = make('input', '');
        box.type = 'checkbox';
        box.id = `tracker-${item.id}`;
        const label = make('label', '', ...marked(item.text));
        label.htmlFor = box.id;
        const mark = make('span', 'tracker-mark');
        mark.id = `${box.id}-mark`;
        box.setAttribute('aria-describedby', mark.id);
        const link = make('a', 'tracker-page', titleOf(item.page), unseen(`: the page of “${plain(item.text)}”`));
        link.href = address(item.page);
        const element = make('li', 'tracker-item', box, make('span', 'tracker-words', label, ' ', mark), link);
        element.dataset.id = item.id;
        box.addEventListener('change', () => {
            if (!(item.id in state.ticks) && byTests(item)) {
                box.checked = true;
                say('Ticked by tests. It stays ticked as long as they pass.');
                return;
            }
            const on = box.checked;
            change((next) => {
                if (on) {
                    begin(next);
                    next.ticks[item.id] = new Date().toISOString();
                } else {
                    delete next.ticks[item.id];
                }
            }, `${on ? 'Ticked' : 'Unticked'}: ${plain(item.text)}. Saved.`);
        });
        view(() => {
            const [hand, tests] = [item.id in state.ticks, byTests(item)];
            const known = item.tasks?.some((task) => task in results);
            box.checked = hand || tests;
            element.classList.toggle('tracker-by-tests', tests && !hand);
            element.classList.toggle('tracker-by-hand', hand);
            mark.textContent = tests ? (hand ? 'tests pass' : 'by tests')
                : known ? `${item.tasks.filter(passes).length} of ${item.tasks.length} ${item.tasks.length > 1 ? 'tasks' : 'task'}` : '';
            mark.classList.toggle('tracker-passed', tests);
        });
        return element;
    }

    const listOf = (items) => make('ul', 'tracker-items', ...items.map(itemOf));

    function fieldOf(id, label, { hide = false, hint = '', after = null } = {}) {
        const area = make('textarea', '');
        area.id = `tracker-${id}`;
        area.rows = 2;
        area.spellcheck = true;
        area.placeholder = hint;
        const title = make('label', hide ? 'unseen' : '', ...(typeof label === 'string' ? [label] : label));
        title.htmlFor = area.id;
        // On paper: a text area would cut it off.
        const paper = make('div', 'tracker-paper');
        const fit = () => {
            if (CSS.supports('field-sizing', 'content')) return;
            area.style.height = 'auto';
            area.style.height = `${area.scrollHeight + 2}px`;
        };
        area.addEventListener('input', () => {
            typed.set(id, area.value);
            paper.textContent = area.value;
            fit();
            clearTimeout(typing);
            typing = setTimeout(flush, TYPING);
        });
        area.addEventListener('change', flush);
        view(() => {
            const text = typed.get(id) ?? state.texts[id] ?? '';
            if (area.value !== text && !typed.has(id)) area.value = text;
            paper.textContent = text;
            fit();
        });
        return make('div', 'tracker-field', make('div', 'tracker-label', title, after), area, paper);
    }

    // ---------- A week ----------

    const asId = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

    function partOf(part, level) {
        return make(
            'section', 'tracker-part',
            heading(level, null, make('span', 'tracker-days', part.days), make('span', 'unseen', ': '), ' ', ...marked(part.title)),
            listOf(part.item), fieldOf(part.notes.id, [part.notes.label, unseen(` on ${part.days}: ${plain(part.title)}`)]),
        );
    }

    function counted(items) {
        const text = make('span', 'tracker-count');
        const line = bar();
        view(() => {
            const done = count(items);
            text.textContent = `${done} of ${items.length}`;
            line.set(done, items.length);
        });
        return make('div', 'tracker-counted', line.element, text);
    }

    function buildWeek(element, week) {
        const link = make('a', '', 'Your progress');
        link.href = address('progress.md');
        const title = heading(3, null, 'Your progress in this week');
        element.append(
            notices(), title, counted(itemsOf(week)), ...week.part.map((part) => partOf(part, 4)),
            make('p', 'tracker-note', 'All weeks, the timer, and how to keep a copy: ', link, '.'),
        );
        element.classList.add('tracker-card');
    }

    // ---------- Everything ----------

    function buildAll(element) {
        const weeks = plan.week.flatMap((week) => {
            const link = make('a', '', `Go to week ${week.number}`);
            link.href = address(week.page);
            return [
                heading(2, `week-${week.number}`, `Week ${week.number}: ${week.title}`),
                make('div', 'tracker-head', counted(itemsOf(week)), link),
                ...week.part.map((part) => partOf(part, 3)),
            ];
        });
        element.append(notices(), overview(), times(), ...weeks);
        const section = (title, ...children) => element.append(heading(2, asId(title), title), ...children);
        const reading = ({ page, text }) => {
            const link = make('a', 'tracker-page', 'the book’s answer', unseen(` to “${plain(text)}”`));
            link.href = address(page);
            return link;
        };
        section('Questions and answers', ...plan.question.map((question) => fieldOf(
            question.id, marked(question.text), { hint: 'Your answer', after: reading(question) })));
        element.append(fieldOf('question.own', 'Your own questions'));
        section('Key insights', ...plan.insight.map((insight) => fieldOf(
            insight.id, marked(insight.text), { hint: 'Your end of the sentence', after: reading(insight) })));
        element.append(fieldOf('insight.own', 'Your own insights'));
        section('Next steps', listOf(plan.next_step));
        section('Resources used', listOf(plan.resource), fieldOf('resource.own', 'Helpful links'));
        section('Completion checklist', counted(plan.check), listOf(plan.check));
        section('Keep a copy', ...copies());
        element.append(unplacedField());
    }

    function overview() {
        const number = make('strong', '');
        const whole = bar('tracker-whole');
        const rows = plan.week.map((week) => {
            const line = bar();
            const text = make('span', 'tracker-count');
            const link = make('a', 'tracker-week', make('span', 'tracker-week-name', `Week ${week.number}`, make('span', '', ` ${week.title}`)), line.element, text);
            link.href = `#week-${week.number}`;
            view(() => {
                const items = itemsOf(week);
                text.replaceChildren(...ratio(count(items), items.length));
                line.set(count(items), items.length);
            });
            return make('li', '', link);
        });
        view(() => {
            number.textContent = String(count(allItems));
            whole.set(count(allItems), allItems.length);
        });
        return make(
            'section', 'tracker-overview', make('p', 'tracker-sum', number, ` of ${allItems.length} done`), whole.element,
            make('ol', 'tracker-weeks', ...rows),
        );
    }

    function times() {
        const day = (field, label) => {
            const input = make('input', '');
            input.type = 'date';
            input.id = `tracker-${field}`;
            input.addEventListener('change', () => {
                // An unfinished date is an empty one.
                if (input.value && !isDay(input.value)) return;
                change((next) => {
                    if (input.value) next[field] = input.value;
                    else delete next[field];
                }, 'Saved.');
            });
            const title = make('label', '', label);
            title.htmlFor = input.id;
            view(() => {
                if (document.activeElement !== input) input.value = state[field] ?? '';
                input.classList.toggle('tracker-nothing', !state[field]);
            });
            return make('div', 'tracker-time', title, input);
        };

        const input = make('input', '');
        input.id = 'tracker-hours';
        input.inputMode = 'decimal';
        input.autocomplete = 'off';
        input.size = 6;
        const wrong = make('p', 'tracker-wrong');
        wrong.id = 'tracker-hours-wrong';
        input.setAttribute('aria-describedby', wrong.id);
        const title = make('label', '', 'Total time, in hours');
        title.htmlFor = input.id;
        input.addEventListener('change', () => {
            const text = input.value.trim().replace(',', '.') || '0';
            const good = /^\d{1,6}(\.\d*)?$/.test(text);
            wrong.textContent = good ? '' : 'Hours are a number, such as 12.5.';
            input.setAttribute('aria-invalid', String(!good));
            if (!good || text === hours(seconds(state))) return;
            change((next) => {
                next.seconds = Math.round(Number(text) * 3600);
                if (next.since) next.since = new Date().toISOString();
            }, 'Saved.');
        });
        const clock = make('span', 'tracker-clock');
        const toggle = button('', () => {
            const starts = !state.since;
            change((next) => {
                if (starts) {
                    begin(next);
                    next.since = new Date().toISOString();
                } else {
                    Object.assign(next, { seconds: seconds(next) });
                    delete next.since;
                }
            }, starts ? 'The timer runs.' : 'The timer stopped. Saved.');
        }, 'tracker-timer');
        const long = make('p', 'tracker-note');
        const tell = () => {
            if (document.activeElement !== input && input.getAttribute('aria-invalid') !== 'true') input.value = hours(seconds(state));
            const run = state.since ? seconds(state) - (state.seconds ?? 0) : 0;
            const two = (number) => String(number).padStart(2, '0');
            clock.textContent = state.since ? `${Math.floor(run / 3600)}:${two(Math.floor(run / 60) % 60)}:${two(run % 60)}` : '';
            long.textContent = run > LONG_RUN ? `The timer has been running for ${hours(run)} hours. If you were away, stop it and correct the hours.` : '';
        };
        view(() => {
            toggle.textContent = state.since ? 'Stop the timer' : 'Start the timer';
            toggle.classList.toggle('tracker-running', Boolean(state.since));
            tell();
        });
        setInterval(() => {
            if (state.since && document.visibilityState === 'visible') tell();
        }, 1000);
        return make(
            'section', 'tracker-times', day('started', 'Started'), day('completed', 'Completed'),
            make('div', 'tracker-time', title, make('div', 'tracker-hours', input, toggle, clock)), wrong, long,
        );
    }

    // ---------- Copies ----------

    function download(text, file, type) {
        const link = make('a', '');
        link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
        link.download = file;
        document.body.append(link);
        link.click();
        link.remove();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }

    function copies() {
        const asked = make('section', 'tracker-asked');
        asked.hidden = true;
        asked.tabIndex = -1;
        const save = (text, file, type) => {
            flush();
            state = read();
            download(text(), file, type);
            say(`${file} is saved with your downloads.`);
        };
        const file = make('input', 'tracker-file');
        file.type = 'file';
        file.id = 'tracker-file';
        file.accept = '.md,.markdown,.json,.txt,text/markdown,application/json,text/plain';
        const fileLabel = make('label', '', 'Import a file, Markdown or JSON');
        fileLabel.htmlFor = file.id;
        file.addEventListener('change', async () => {
            const [chosen] = file.files;
            file.value = '';
            if (chosen) await preview(asked, chosen);
        });
        const undo = button('Undo the last import or clearing', () => {
            let text = null;
            try {
                text = localStorage.getItem(BEFORE);
            } catch {
                // There is nothing to go back to.
            }
            try {
                const { state: old } = understood(JSON.parse(text));
                change((next) => become(next, old), 'As it was before.');
                localStorage.removeItem(BEFORE);
            } catch {
                say('There is nothing to go back to.');
            }
            show();
        });
        view(() => {
            let there = false;
            try {
                there = localStorage.getItem(BEFORE) !== null;
            } catch {
                // Nothing is stored here.
            }
            undo.hidden = !there;
        });
        return [
            make('p', '', 'Your progress lies in this browser only, and under this address: another browser, another port or the book '
                + 'opened as a file does not have it. Markdown has the form of ', make('code', '', 'PROGRESS.md'), ', and reads well on its own.'),
            make(
                'div', 'tracker-row',
                button('Export as Markdown', () => save(() => toMarkdown(state), 'PROGRESS.md', 'text/markdown')),
                button('Export as JSON', () => save(() => `${JSON.stringify(stored(stopped(state)), null, 2)}\n`, 'tinydb-progress.json', 'application/json')),
                button('Print this page', () => {
                    flush();
                    window.print();
                }),
            ),
            make('div', 'tracker-import', fileLabel, file),
            asked,
            make('div', 'tracker-row', undo, button('Clear everything', () => {
                flush();
                ask(asked, 'Clear everything?', [], [['Clear everything', () => empty()]]);
            }, 'tracker-loud')),
            keptList(),
        ];
    }

    /** Reads a file and says what it would change. */
    async function preview(asked, chosen) {
        flush();
        try {
            if (chosen.size > MOST_BYTES) throw new Error('it is larger than 8 MB');
            const text = await chosen.text();
            const isJson = /^\s*[[{]/.test(text.replace(/^\uFEFF/, ''));
            const notes = [];
            let theirs;
            if (isJson) {
                let object;
                try {
                    object = JSON.parse(text.replace(/^\uFEFF/, ''));
                } catch (error) {
                    throw new Error(`it is no JSON (${error.message})`);
                }
                const found = understood(object);
                theirs = stopped(found.state);
                if (found.wrong.length) notes.push(['These entries are malformed and are left out:', found.wrong.join('\n')]);
                const others = withoutPlace({ ...theirs, texts: map(Object.entries(theirs.texts).filter(([id]) => id !== 'unplaced')) });
                if (others.length) notes.push(['These have no place in the plan. They are kept, and exported again:', others.join('\n')]);
            } else {
                const found = fromMarkdown(text);
                theirs = found.state;
                if (found.unplaced.length) notes.push(['These lines have no place in the plan. They are kept at the end of this page:', found.unplaced.join('\n')]);
                if (found.tests) notes.push([`${found.tests} ${found.tests > 1 ? 'ticks are' : 'tick is'} by tests. Those come from the tests and are not imported.`, '']);
            }
            ask(asked, `Import ${chosen.name}?`, notes, [
                ['Merge: add what is in the file to what is here', (mine) => merging(mine, theirs)],
                ['Replace: take what is in the file, and nothing of what is here', (mine) => replacing(mine, theirs)],
            ]);
        } catch (error) {
            asked.replaceChildren(heading(3, null, 'Nothing is imported'), alertOf(`${chosen.name} can't be imported: ${error.message}.`));
            asked.hidden = false;
        }
    }

    function alertOf(text) {
        const element = make('p', 'alert', text);
        element.setAttribute('role', 'alert');
        return element;
    }

    /** Shows what would change, in one way or another, and does it only when it is told to. */
    function ask(asked, title, notes, ways) {
        let [chosen] = ways;
        const list = make('ul', 'tracker-changes');
        const sum = make('p', 'tracker-changed');
        sum.setAttribute('aria-live', 'polite');
        const go = button('', () => {
            asked.hidden = true;
            flush();
            const mine = read();
            try {
                localStorage.setItem(BEFORE, JSON.stringify(stored(mine)));
            } catch {
                // No room for the way back. What is asked for is done all the same: the reader has seen what it is.
            }
            change((next) => become(next, chosen[1](mine)), 'Done.');
        }, 'tracker-go');
        const tell = () => {
            const mine = state;
            const changes = differences(mine, chosen[1](mine));
            const lost = changes.filter(({ loses }) => loses).length;
            sum.textContent = changes.length === 0 ? 'Nothing changes.'
                : `${changes.length} ${changes.length > 1 ? 'changes' : 'change'}; ${lost ? `${lost} of them ${lost > 1 ? 'take' : 'takes'} something of yours away` : 'nothing of yours is taken away'}.`;
            list.replaceChildren(...changes.map(({ text, from, to, loses }) => make(
                'li', loses ? 'tracker-loses' : '', text,
                from ? make('pre', 'tracker-old', unseen('before: '), from) : null, to ? make('pre', '', unseen('after: '), to) : null,
            )));
            go.textContent = ways.length > 1 ? chosen[0].split(':')[0] : chosen[0];
        };
        const radios = ways.length < 2 ? [] : ways.map((way, at) => {
            const radio = make('input', '');
            radio.type = 'radio';
            radio.name = 'tracker-way';
            radio.checked = at === 0;
            radio.addEventListener('change', () => {
                chosen = way;
                tell();
            });
            return make('label', 'tracker-way', radio, ' ', way[0]);
        });
        const way = make('fieldset', 'tracker-ways', make('legend', 'unseen', 'How'), ...radios);
        way.hidden = radios.length === 0;
        const close = button('Cancel', () => {
            asked.hidden = true;
            say('Nothing is changed.');
        });
        asked.replaceChildren(
            heading(3, null, title), way, sum, list,
            ...notes.map(([text, quoted]) => make('div', 'tracker-noted', make('p', '', text), quoted ? make('pre', '', quoted) : null)),
            make('div', 'tracker-row', go, close),
        );
        tell();
        asked.hidden = false;
        asked.setAttribute('aria-label', title);
        asked.setAttribute('role', 'group');
        asked.focus();
        asked.scrollIntoView({ block: 'nearest' });
    }

    function become(next, other) {
        for (const field of Object.keys(next)) delete next[field];
        Object.assign(next, other);
    }

    /** What was stored, could not be read, and is kept. */
    function keptList() {
        const list = make('ul', 'tracker-kept');
        view(() => {
            let keys = [];
            try {
                keys = Object.keys(localStorage).filter((key) => key.startsWith(KEPT)).sort();
            } catch {
                // Nothing is stored here.
            }
            list.hidden = keys.length === 0;
            list.replaceChildren(...keys.map((key) => make(
                'li', '', make('code', '', key), ' ',
                button('Save as a file', () => download(localStorage.getItem(key) ?? '', `${key.replaceAll(':', '-')}.txt`, 'text/plain')), ' ',
                button('Delete it', () => {
                    localStorage.removeItem(key);
                    troubles.delete('kept');
                    show();
                    say('Deleted.');
                }),
            )));
        });
        return list;
    }

    function unplacedField() {
        const element = make(
            'section', '', heading(2, null, 'Not placed'),
            make('p', '', 'These lines were imported, and the plan has no place for them. Move them where they belong, or delete them here.'),
            fieldOf('unplaced', 'What had no place', { hide: true }),
        );
        const area = element.querySelector('textarea');
        view(() => { element.hidden = !(state.texts.unplaced ?? '') && document.activeElement !== area; });
        return element;
    }

    /** What is wrong with the storage, at the top. */
    function notices() {
        const element = make('div', 'tracker-notices');
        element.setAttribute('role', 'alert');
        view(() => {
            const texts = [...troubles.values()];
            if (element.dataset.shown === texts.join()) return;
            element.dataset.shown = texts.join();
            element.replaceChildren(...texts.map((text) => make('p', 'alert', text)));
        });
        return element;
    }

    // ---------- The sidebar ----------

    function sidebar() {
        for (const week of plan.week) {
            const path = new URL(address(week.page), document.baseURI).pathname;
            const link = [...document.querySelectorAll('#mdbook-sidebar .chapter-item > .chapter-link-wrapper > a[href]')]
                .find((one) => new URL(one.href, document.baseURI).pathname === path);
            if (!link) continue;
            link.dataset.title ??= link.textContent.trim();
            const text = make('span', 'tracker-side');
            link.classList.add('tracker-side-link');
            link.append(' ', text);
            view(() => {
                const items = itemsOf(week);
                const done = count(items);
                text.replaceChildren(...ratio(done, items.length, ', ', ' done'));
                text.classList.toggle('tracker-side-full', done === items.length);
            });
        }
    }

    // ---------- All of it ----------

    function start() {
        sidebar();
        // The page that holds the whole book has the plan once more for each week: nothing is put there.
        if (!/\/print(\.html)?$/.test(location.pathname)) {
            for (const element of document.querySelectorAll('main div.tracker')) {
                try {
                    const week = plan.week.find(({ number }) => String(number) === element.dataset.week);
                    element.replaceChildren();
                    if (week) buildWeek(element, week);
                    else buildAll(element);
                } catch (error) {
                    element.append(make('p', 'alert', `The tracker can't be shown: ${error.message}.`));
                }
                // Keys that are typed here turn no page and start no search.
                element.addEventListener('keydown', (event) => {
                    if (event.target.matches('input:not([type="checkbox"]), textarea, [type="checkbox"], [type="radio"]') && event.key !== 'Escape') event.stopPropagation();
                });
            }
        }
        document.body.append(saying);
        window.addEventListener('storage', (event) => {
            if (event.key !== KEY && event.key !== null) return;
            if (!held) state = read();
            show();
        });
        window.addEventListener('pagehide', flush);
        document.addEventListener('visibilitychange', () => {
            if (document.visibilityState !== 'visible') flush();
        });
        // A page that comes back from the browser's memory may be older than what is stored.
        window.addEventListener('pageshow', (event) => {
            if (!event.persisted) return;
            state = read();
            show();
        });
        if (/^https?:$/.test(location.protocol)) {
            document.addEventListener('visibilitychange', poll);
            poll();
        }
        if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
    }

    try {
        start();
    } catch (error) {
        // The book is there to be read, whatever happens here.
        console.error(error);
    }
})();
