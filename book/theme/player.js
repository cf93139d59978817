// The player: shows a recording of the real engine, step by step, with every row as a chip that moves from place to
// place. `tinydb record` makes recordings; solutions/cli/src/record/recording.rs says what is in one.
//
// On a page: {{#include traces/NAME.md}}. That is a <div class="player"> with the recording inside it, so nothing is
// fetched and it works from a file too. Whatever a recording says is put on the page as text and never as markup.
(() => {
    'use strict';

    const FORMAT = 'tinydb-trace';
    const VERSION = 1;
    const MOST_BYTES = 8 << 20;
    const MOST_ITEMS = 20000;
    const NARROW = 480;
    const SPEEDS = [['0.5', '½ ×'], ['1', '1 ×'], ['2', '2 ×'], ['4', '4 ×']];

    /** The zones of the stage, from what a write reaches first. */
    const ZONES = [
        { zone: 'wal', name: 'WAL', where: 'on disk', empty: 'no segment' },
        { zone: 'memtable', name: 'Memtable', where: 'in memory', empty: 'gone' },
        { zone: 'immutable', name: 'Immutable', where: 'in memory', empty: 'none' },
        { zone: 'l0', name: 'Level 0', where: 'object store', empty: 'no SST' },
        { zone: 'run', name: 'Sorted runs', where: 'object store', empty: 'none' },
        { zone: 'unnamed', name: 'Not named', where: 'object store', empty: 'none' },
        { zone: 'manifest', name: 'Manifest', where: 'object store', empty: 'none' },
    ];

    /** What is said of a row that stands out; the colour says it too. */
    const MARKS = {
        new: 'new', found: 'found', shown: 'shown', hidden: 'hidden', merged: 'merged', dropped: 'left out',
    };

    const KINDS = ['value', 'tombstone', 'operand'];

    // ---------- A recording, checked ----------

    /** The recording that a text holds. Throws an error that says what is wrong with it. */
    function parse(text) {
        if (text.length > MOST_BYTES) throw new Error('it is larger than 8 MB');
        let found;
        try {
            found = JSON.parse(text);
        } catch (error) {
            throw new Error(`it is no JSON (${error.message})`);
        }
        if (!isObject(found) || found.format !== FORMAT) throw new Error('it is no recording of TinyDB');
        if (found.version !== VERSION) throw new Error(`it has version ${String(found.version)}, and this player knows version ${VERSION}`);
        const recording = {
            title: string(found.title, 'the title'),
            look: string(found.look, 'what to look at'),
            rows: list(found.rows, 'rows', (row, at) => ({
                key: string(row.key, `${at}: its key`),
                seq: natural(row.seq, `${at}: its sequence number`),
                kind: oneOf(row.kind, KINDS, `${at}: its kind`),
                value: row.value === undefined ? '' : string(row.value, `${at}: its value`),
            })),
        };
        const rowOf = (number, at) => {
            if (!Number.isInteger(number) || !(number in recording.rows)) throw new Error(`${at}: there is no such row`);
            return number;
        };
        const zones = ZONES.map(({ zone }) => zone);
        recording.layouts = list(found.layouts, 'layouts', (layout, at) => ({
            running: layout.running === true,
            manifests: list(layout.manifests, `${at}: manifests`, natural, false),
            boxes: list(layout.boxes, `${at}: boxes`, (box, where) => ({
                id: string(box.id, `${where}: its id`),
                zone: oneOf(box.zone, zones, `${where}: its zone`),
                number: natural(box.number, `${where}: its number`),
                run: box.run === undefined ? null : natural(box.run, `${where}: its run`),
                rows: list(box.rows, `${where}: rows`, rowOf, false),
            })),
        }));
        for (const { boxes } of recording.layouts) {
            for (const { id, rows } of boxes) {
                if (boxes.filter((box) => box.id === id).length > 1) throw new Error(`the box ${id} is there twice`);
                if (new Set(rows).size < rows.length) throw new Error(`the box ${id} has a row twice`);
            }
        }
        recording.operations = list(found.operations, 'operations', (operation, at) => ({
            command: string(operation.command, `${at}: its command`),
            note: operation.note === undefined ? '' : string(operation.note, `${at}: its note`),
        }));
        recording.frames = list(found.frames, 'frames', (frame, at) => {
            if (!(frame.layout in recording.layouts)) throw new Error(`${at}: there is no such layout`);
            if (frame.operation !== undefined && !(frame.operation in recording.operations)) throw new Error(`${at}: there is no such operation`);
            return {
                operation: frame.operation ?? null,
                step: frame.step === undefined ? '' : string(frame.step, `${at}: its step`),
                text: string(frame.text, `${at}: its text`),
                layout: frame.layout,
                focus: list(frame.focus ?? [], `${at}: focus`, string, false),
                looked: list(frame.looked ?? [], `${at}: looked`, (looked, where) => ({
                    box: string(looked.box, where),
                    found: looked.found === true,
                })),
                marks: list(frame.marks ?? [], `${at}: marks`, (mark, where) => ({
                    box: string(mark.box, where),
                    row: rowOf(mark.row, where),
                    as: oneOf(mark.as, Object.keys(MARKS), where),
                })),
                answer: list(frame.answer ?? [], `${at}: answer`, string, false),
            };
        });
        if (recording.frames.length === 0) throw new Error('it has no step');
        return recording;
    }

    const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

    function string(value, what) {
        if (typeof value !== 'string') throw new Error(`${what} is no text`);
        return value;
    }

    function natural(value, what) {
        if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${what} is no number`);
        return value;
    }

    function oneOf(value, known, what) {
        if (!known.includes(value)) throw new Error(`${what} is none of ${known.join(', ')}`);
        return value;
    }

    function list(value, what, item, ofObjects = true) {
        if (!Array.isArray(value)) throw new Error(`${what}: there is no such list`);
        if (value.length > MOST_ITEMS) throw new Error(`${what}: there are too many`);
        return value.map((one, number) => {
            const at = `${what} ${number}`;
            if (ofObjects && !isObject(one)) throw new Error(`${at} is malformed`);
            return item(one, at);
        });
    }

    // ---------- Elements ----------

    /** An element with a class, and children: elements, or text. */
    function make(tag, className, ...children) {
        const element = document.createElement(tag);
        if (className) element.className = className;
        element.append(...children);
        return element;
    }

    function button(icon, label, act) {
        const element = make('button', 'player-button', make('span', `player-icon player-icon-${icon}`));
        element.type = 'button';
        element.title = label;
        element.setAttribute('aria-label', label);
        element.addEventListener('click', act);
        return element;
    }

    const unseen = (text) => make('span', 'unseen', text);

    const calm = window.matchMedia('(prefers-reduced-motion: reduce)');

    // ---------- The stage: where every row is ----------

    class Stage {
        constructor() {
            this.element = make('div', 'player-stage');
            this.boxes = new Map();
        }

        /** Begins with another recording. */
        load(recording) {
            this.recording = recording;
            this.boxes.clear();
            this.zones = new Map();
            const used = new Set(['wal', 'memtable', 'manifest']);
            for (const layout of recording.layouts) layout.boxes.forEach(({ zone }) => used.add(zone));
            const zones = ZONES.filter(({ zone }) => used.has(zone)).map(({ zone, name, where, empty }) => {
                const inside = make('div', 'player-boxes');
                const nothing = make('span', 'player-nothing', empty);
                const label = make('div', 'player-zone-name', make('strong', '', name), make('span', '', where));
                const element = make('div', 'player-zone', label, inside);
                element.dataset.zone = zone;
                inside.append(nothing);
                this.zones.set(zone, { element, inside, nothing });
                return element;
            });
            this.element.replaceChildren(...zones);
        }

        /** Gives every zone the height that it needs at most, so that nothing jumps between two steps. */
        measure(frame) {
            for (const { element } of this.zones.values()) element.style.minHeight = '';
            // On a phone the empty space would push the figure off the screen.
            if (this.element.clientWidth < NARROW) {
                this.fill(frame);
                return;
            }
            const most = new Map();
            for (const other of this.recording.frames) {
                this.fill(other);
                for (const [zone, { element }] of this.zones) {
                    most.set(zone, Math.max(most.get(zone) ?? 0, element.offsetHeight));
                }
            }
            for (const [zone, height] of most) this.zones.get(zone).element.style.minHeight = `${height}px`;
            this.fill(frame);
        }

        /** Shows a frame. With `from`, the element of the command, what is new comes from there. */
        show(frame, from) {
            if (!from || calm.matches || !this.element.animate || !this.element.offsetParent) {
                this.fill(frame);
                return;
            }
            const before = this.places();
            this.fill(frame);
            this.move(before, this.places(), from.getBoundingClientRect());
        }

        /** Where boxes and chips are on the screen. */
        places() {
            // What still moves from the step before counts as having arrived.
            for (const animation of this.element.getAnimations({ subtree: true })) animation.finish();
            const places = new Map();
            for (const [id, box] of this.boxes) {
                const chips = new Map();
                for (const [row, chip] of box.chips) chips.set(row, chip.getBoundingClientRect());
                places.set(id, { rect: box.element.getBoundingClientRect(), chips });
            }
            return places;
        }

        /** Lets everything begin where it was (or where it comes from) and go to where it is now. */
        move(before, after, from) {
            const { rows } = this.recording;
            const isWal = (id) => this.boxes.get(id)?.element.closest('[data-zone="wal"]') != null;
            // A memtable is filled from the WAL, an SST from anything but that.
            const origin = (row, id) => {
                let near = null;
                for (const [other, { chips }] of before) {
                    if (id.startsWith('sst') && isWal(other)) continue;
                    for (const [number, rect] of chips) {
                        if (number === row) return rect;
                        if (rows[number].key === rows[row].key && rows[number].seq === rows[row].seq) near = rect;
                    }
                }
                return near ?? from;
            };
            for (const [id, { rect, chips }] of after) {
                const box = this.boxes.get(id);
                const old = before.get(id);
                if (old) {
                    slide(box.element, old.rect.left - rect.left, old.rect.top - rect.top);
                } else {
                    box.head.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 420, easing: 'ease-out' });
                }
                for (const [row, place] of chips) {
                    const chip = box.chips.get(row);
                    const was = old?.chips.get(row);
                    if (was) {
                        slide(chip, was.left - old.rect.left - place.left + rect.left, was.top - old.rect.top - place.top + rect.top);
                    } else {
                        const start = origin(row, id);
                        slide(chip, start.left - place.left, start.top - place.top, true);
                    }
                }
            }
        }

        /** Puts boxes and chips where a frame has them. Elements stay the same as long as they mean the same. */
        fill(frame) {
            const layout = this.recording.layouts[frame.layout];
            const ids = new Set(layout.boxes.map(({ id }) => id));
            for (const [id, box] of this.boxes) {
                if (!ids.has(id)) {
                    box.element.remove();
                    this.boxes.delete(id);
                }
            }
            for (const [zone, { inside, nothing }] of this.zones) {
                const boxes = layout.boxes.filter((box) => box.zone === zone).map((box) => this.box(box, frame));
                arrange(inside, zone === 'manifest' ? this.manifests(layout) : boxes.length ? boxes : [nothing]);
            }
            this.element.classList.toggle('player-stopped', !layout.running);
        }

        manifests({ manifests }) {
            return manifests.map((id, at) => {
                const newest = at === manifests.length - 1;
                const element = make('span', newest ? 'player-manifest player-newest' : 'player-manifest', String(id));
                if (newest) element.append(unseen(' (the newest)'));
                return element;
            });
        }

        box(box, frame) {
            let known = this.boxes.get(box.id);
            if (!known) {
                const head = make('div', 'player-box-name');
                const inside = make('ul', 'player-chips');
                known = { element: make('div', 'player-box', head, inside), head, inside, chips: new Map() };
                known.element.dataset.box = box.id;
                this.boxes.set(box.id, known);
            }
            const name = {
                wal: `segment ${box.number}`,
                memtable: `of segment ${box.number}`,
                immutable: `of segment ${box.number}`,
                run: `run ${box.run}: SST ${box.number}`,
            }[box.zone] ?? `SST ${box.number}`;
            const looked = frame.looked.find((one) => one.box === box.id);
            known.head.replaceChildren(name);
            known.element.classList.toggle('player-focus', frame.focus.includes(box.id));
            known.element.classList.toggle('player-found', looked?.found === true);
            known.element.classList.toggle('player-missed', looked?.found === false);
            if (looked) known.head.append(make('span', 'player-looked', looked.found ? 'found' : 'not here'));
            for (const [row, chip] of known.chips) {
                if (!box.rows.includes(row)) {
                    chip.remove();
                    known.chips.delete(row);
                }
            }
            const chips = box.rows.map((row) => {
                if (!known.chips.has(row)) known.chips.set(row, this.chip(row));
                const chip = known.chips.get(row);
                const mark = frame.marks.findLast((one) => one.box === box.id && one.row === row)?.as;
                for (const kind of Object.keys(MARKS)) chip.classList.toggle(`player-${kind}`, kind === mark);
                chip.lastElementChild.textContent = mark ? ` (${MARKS[mark]})` : '';
                return chip;
            });
            arrange(known.inside, chips);
            known.element.classList.toggle('player-empty', chips.length === 0);
            return known.element;
        }

        chip(number) {
            const { key, seq, kind, value } = this.recording.rows[number];
            const said = {
                value: [make('span', 'player-value', value)],
                tombstone: [make('span', 'player-value', 'deleted')],
                operand: [make('span', 'player-value', 'merge ', value)],
            }[kind];
            const chip = make('li', `player-chip player-${kind}`, make('span', 'player-key', key), ' ', ...said, ' ');
            chip.append(unseen('sequence number '), make('span', 'player-seq', String(seq)), unseen(''));
            chip.dataset.row = number;
            chip.title = `${kind} of ${key}, sequence number ${seq}`;
            return chip;
        }
    }

    /** Gives an element these children, without touching those that are right already. */
    function arrange(parent, children) {
        while (parent.childNodes.length > children.length) parent.lastChild.remove();
        children.forEach((child, at) => {
            if (parent.childNodes[at] !== child) parent.insertBefore(child, parent.childNodes[at] ?? null);
        });
        while (parent.childNodes.length > children.length) parent.lastChild.remove();
    }

    function slide(element, x, y, far = false) {
        if (Math.abs(x) < 1 && Math.abs(y) < 1) return;
        element.animate(
            [{ transform: `translate(${x}px, ${y}px)`, zIndex: 2 }, { transform: 'none', zIndex: 2 }],
            { duration: far ? 640 : 520, easing: 'cubic-bezier(0.3, 0.1, 0.2, 1)' },
        );
    }

    // ---------- The player ----------

    class Player {
        constructor(root) {
            this.root = root;
            this.lead = root.querySelector('.player-lead');
            this.own = root.querySelector('script[type="application/json"]')?.textContent ?? '';
            this.at = 0;
            this.timer = null;
            this.build();
            root.addEventListener('keydown', (event) => this.key(event));
            root.addEventListener('dragover', (event) => this.over(event));
            root.addEventListener('dragleave', () => root.classList.remove('player-drop'));
            root.addEventListener('drop', (event) => this.drop(event));
            try {
                this.load(parse(this.own));
            } catch (error) {
                this.fail(`This recording can't be shown: ${error.message}.`);
            }
        }

        build() {
            this.command = make('code', 'player-command');
            this.note = make('span', 'player-note');
            this.answer = make('output', 'player-answer');
            this.stage = new Stage();
            this.text = make('p', 'player-text');
            this.text.setAttribute('aria-live', 'polite');
            this.step = make('code', 'player-step');
            this.alert = make('p', 'alert');
            this.alert.setAttribute('role', 'alert');
            this.alert.hidden = true;

            this.controls = make('div', 'player-controls');
            this.back = [button('start', 'To the start', () => this.go(0)), button('back', 'One step back', () => this.go(this.at - 1))];
            this.playing = button('play', 'Play', () => this.toggle());
            this.on = [button('on', 'One step on', () => this.go(this.at + 1)), button('end', 'To the end', () => this.go(this.last))];
            this.slider = make('input', 'player-slider');
            this.slider.type = 'range';
            this.slider.min = '0';
            this.slider.setAttribute('aria-label', 'Step');
            this.slider.addEventListener('input', () => this.go(Number(this.slider.value)));
            this.count = make('span', 'player-count');
            this.speed = make('select', 'player-speed');
            this.speed.setAttribute('aria-label', 'Speed');
            for (const [value, name] of SPEEDS) {
                const option = make('option', '', name);
                option.value = value;
                this.speed.append(option);
            }
            this.speed.value = '1';
            this.controls.append(...this.back, this.playing, ...this.on, this.slider, this.count, this.speed);

            this.steps = make('ol', 'player-steps');
            this.steps.start = 0;
            this.all = make('details', 'player-all', make('summary', '', 'All steps'), this.steps);
            this.panel = make('div', 'player-panel', make('div', 'player-said', this.step, this.text, this.answer), this.controls);
            this.frame = make(
                'div', 'player-frame',
                make('div', 'player-operation', this.command, this.note), this.stage.element, this.panel, this.all,
            );
            this.frame.tabIndex = 0;
            this.frame.setAttribute('role', 'group');
            this.frame.hidden = true;
            this.root.querySelectorAll('noscript, script').forEach((element) => element.remove());
            this.root.append(this.alert, this.frame, this.more());
            new ResizeObserver(() => this.resized()).observe(this.root);
        }

        /** The keys, and what loads a recording of the reader's own. */
        more() {
            this.file = make('input', 'player-file');
            this.file.type = 'file';
            this.file.accept = '.json,application/json';
            this.file.addEventListener('change', () => this.read(this.file.files[0]));
            this.again = make('button', 'player-again', 'Back to the recording of the book');
            this.again.type = 'button';
            this.again.hidden = true;
            this.again.addEventListener('click', () => {
                this.file.value = '';
                this.again.hidden = true;
                this.alert.hidden = true;
                try {
                    this.load(parse(this.own));
                } catch (error) {
                    this.fail(`This recording can't be shown: ${error.message}.`);
                }
            });
            const keys = make('p', 'player-keys');
            const pairs = [['→', 'one step on'], ['←', 'one step back'], ['Home', 'to the start'], ['End', 'to the end'], ['P', 'play or pause']];
            keys.append('While the player has the focus: ');
            pairs.forEach(([key, what], at) => keys.append(make('kbd', '', key), ` ${what}${at < pairs.length - 1 ? ', ' : '. '}`));
            const load = make('label', 'player-load', make('span', '', 'Load a recording'), this.file);
            const how = make('p', '', make('code', '', 'cargo course trace 4'), ' records your own engine. Choose the file here, or drop it on the player.');
            return make('details', 'player-more', make('summary', '', 'Keys, and your own recording'), keys, how, load, this.again);
        }

        get last() {
            return this.recording.frames.length - 1;
        }

        load(recording) {
            this.pause();
            this.recording = recording;
            this.at = 0;
            this.frame.hidden = false;
            this.frame.setAttribute('aria-label', `${recording.title}, a figure that moves`);
            this.slider.max = String(this.last);
            this.lead?.replaceChildren(make('strong', '', `${recording.title}.`), ` ${recording.look}`);
            this.steps.replaceChildren(...recording.frames.map(({ text }, at) => {
                const jump = make('button', 'player-jump', text);
                jump.type = 'button';
                jump.addEventListener('click', () => this.go(at));
                return make('li', '', jump);
            }));
            this.stage.load(recording);
            this.show();
            this.resized(true);
        }

        /** Says what is wrong. What was shown before stays. */
        fail(message) {
            this.pause();
            this.alert.textContent = message;
            this.alert.hidden = false;
        }

        // ---------- Going from step to step ----------

        go(at) {
            if (!this.recording) return;
            const next = Math.min(Math.max(at, 0), this.last);
            if (next === this.at) return;
            const near = Math.abs(next - this.at) === 1;
            this.at = next;
            this.show(near ? this.command : null);
            if (this.timer !== null) this.wait();
        }

        show(from = null) {
            const frame = this.recording.frames[this.at];
            const operation = this.recording.operations[frame.operation] ?? null;
            this.command.textContent = operation ? operation.command : 'the beginning';
            this.note.textContent = operation?.note ?? '';
            this.stage.show(frame, from);
            this.step.textContent = frame.step;
            this.text.textContent = frame.text;
            this.answer.textContent = frame.answer.join('\n');
            this.slider.value = String(this.at);
            this.slider.setAttribute('aria-valuetext', `step ${this.at} of ${this.last}`);
            this.count.textContent = `${this.at} / ${this.last}`;
            this.back.forEach((one) => one.setAttribute('aria-disabled', String(this.at === 0)));
            this.on.forEach((one) => one.setAttribute('aria-disabled', String(this.at === this.last)));
            [...this.steps.children].forEach((item, at) => {
                if (at === this.at) item.firstChild.setAttribute('aria-current', 'step');
                else item.firstChild.removeAttribute('aria-current');
            });
            this.root.dataset.at = String(this.at);
        }

        toggle() {
            if (!this.recording) return;
            if (this.timer !== null) {
                this.pause();
                return;
            }
            this.label('pause', 'Pause');
            if (this.at === this.last) this.go(0);
            this.timer = 0;
            this.wait();
        }

        pause() {
            clearTimeout(this.timer);
            this.timer = null;
            this.label('play', 'Play');
        }

        label(icon, label) {
            this.playing.firstChild.className = `player-icon player-icon-${icon}`;
            this.playing.title = label;
            this.playing.setAttribute('aria-label', label);
        }

        /** Goes on when the step could be read. */
        wait() {
            clearTimeout(this.timer);
            if (this.at === this.last) {
                this.pause();
                return;
            }
            const { text } = this.recording.frames[this.at];
            const time = (1100 + 24 * text.length) / Number(this.speed.value);
            this.timer = setTimeout(() => this.go(this.at + 1), time);
        }

        /** Arrow keys belong to the player while it has the focus: outside, mdBook turns pages with them. */
        key(event) {
            if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
            const arrows = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'];
            const { target } = event;
            if (target === this.speed || target === this.file) {
                if (arrows.includes(event.key)) event.stopPropagation();
                return;
            }
            const acts = {
                ArrowRight: () => this.go(this.at + 1),
                ArrowLeft: () => this.go(this.at - 1),
                Home: () => this.go(0),
                End: () => this.go(this.recording ? this.last : 0),
                p: () => this.toggle(),
                P: () => this.toggle(),
            };
            if (target === this.frame) acts[' '] = () => this.toggle();
            const act = acts[event.key];
            if (act) {
                event.preventDefault();
                act();
            }
            if (act || arrows.includes(event.key)) event.stopPropagation();
        }

        /** A narrower stage needs other heights. */
        resized(always = false) {
            const width = this.stage.element.clientWidth;
            if (!this.recording || width === 0 || (width === this.width && !always)) return;
            this.width = width;
            this.stage.measure(this.recording.frames[this.at]);
        }

        // ---------- A recording of the reader's own ----------

        over(event) {
            if (!event.dataTransfer?.types.includes('Files')) return;
            event.preventDefault();
            this.root.classList.add('player-drop');
        }

        drop(event) {
            this.root.classList.remove('player-drop');
            const file = event.dataTransfer?.files[0];
            if (!file) return;
            event.preventDefault();
            this.read(file);
        }

        async read(file) {
            if (!file) return;
            try {
                if (file.size > MOST_BYTES) throw new Error('it is larger than 8 MB');
                const recording = parse(await file.text());
                this.alert.hidden = true;
                this.load(recording);
                this.again.hidden = false;
            } catch (error) {
                this.fail(`${file.name} can't be shown: ${error.message}.`);
            }
        }
    }

    for (const root of document.querySelectorAll('div.player')) {
        try {
            new Player(root);
        } catch (error) {
            // One player that fails must not keep the others from working.
            root.append(make('p', 'alert', `This figure can't be shown: ${error.message}.`));
        }
    }
})();
