// Functions that run in the page. Each returns a list of what is wrong, as text: an empty list is good.

/** Texts, in and outside figures, that do not stand out from what lies under them. */
export function lowContrast() {
    const rgb = (colour) => {
        const parts = colour.match(/^rgba?\(([^)]+)\)$/);
        if (!parts) throw new Error(`a colour that this test cannot read: ${colour}`);
        return parts[1].split(/[\s,/]+/).map(Number);
    };
    const luminance = ([r, g, b]) => {
        const linear = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const ratio = (a, b) => {
        const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
        return (x + 0.05) / (y + 0.05);
    };
    // The nearest opaque background of an element.
    const background = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const colour = rgb(getComputedStyle(e).backgroundColor);
            if ((colour[3] ?? 1) === 1) return colour;
        }
        return [255, 255, 255];
    };
    // The last shape drawn before a text of a figure and under its middle.
    const under = (text) => {
        const svg = text.ownerSVGElement;
        const box = text.getBBox();
        const middle = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2).matrixTransform(text.getCTM());
        let found = background(svg);
        for (const shape of svg.querySelectorAll('rect, circle, path')) {
            if (shape.closest('defs') || !(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
            const { fill } = getComputedStyle(shape);
            if (fill === 'none') continue;
            if (shape.isPointInFill(middle.matrixTransform(shape.getCTM().inverse()))) found = rgb(fill);
        }
        return found;
    };

    const wrong = [];
    for (const root of document.querySelectorAll('main, #mdbook-sidebar, #mdbook-menu-bar')) {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const words = walker.currentNode.textContent.trim();
            const element = walker.currentNode.parentElement;
            if (!words || element.closest('title, desc, script, style, noscript')) continue;
            if (!element.getClientRects().length) continue;
            const style = getComputedStyle(element);
            const inFigure = element.closest('svg text');
            const colour = rgb(inFigure ? getComputedStyle(inFigure).fill : style.color);
            const r = ratio(colour, inFigure ? under(inFigure) : background(element));
            if (r < 4.5) wrong.push(`${r.toFixed(2)}: "${words.slice(0, 40)}" (${element.tagName} ${element.className.baseVal ?? element.className})`);
        }
    }
    return wrong;
}

/** What makes the page scroll sideways, or is cut off at its edge. */
export function tooWide() {
    const wrong = [];
    const width = document.documentElement.clientWidth;
    for (const box of [document.documentElement, document.body, document.querySelector('.content')]) {
        if (box.scrollWidth > box.clientWidth) wrong.push(`${box.tagName} ${box.className}: ${box.scrollWidth} > ${box.clientWidth}`);
    }
    for (const element of document.querySelectorAll('main *')) {
        const { left, right, width: own } = element.getBoundingClientRect();
        if (own === 0 || element.closest('svg, defs')) continue;
        const scrolls = element.closest('pre, .table-wrapper');
        if (scrolls && scrolls !== element) continue;
        if (right > width + 0.5 || left < -0.5) wrong.push(`${element.tagName} ${element.className}: ${left} to ${right} of ${width}`);
    }
    return wrong;
}

/** Figures whose text is cut off, lies on other text or is too small. */
export function badFigureText(smallest) {
    const wrong = [];
    for (const svg of document.querySelectorAll('main figure svg')) {
        const name = svg.querySelector('title')?.textContent;
        const frame = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].map((text) => ({
            words: text.textContent,
            box: text.getBoundingClientRect(),
            size: parseFloat(getComputedStyle(text).fontSize) * (frame.width / svg.viewBox.baseVal.width),
        }));
        texts.forEach(({ words, box, size }, i) => {
            if (size < smallest) wrong.push(`${name}: "${words}" has ${size.toFixed(1)} px`);
            if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 0.5 || box.bottom > frame.bottom + 0.5) {
                wrong.push(`${name}: "${words}" leaves the figure`);
            }
            for (const other of texts.slice(i + 1)) {
                const x = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
                const y = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
                // Lines of text may touch: ascenders and descenders are rarely in the same place.
                if (x > 1 && y > box.height * 0.35) wrong.push(`${name}: "${words}" lies on "${other.words}"`);
            }
        });
    }
    return wrong;
}

/** Figures and images that say nothing to someone who cannot see them; ids that are used twice. */
export function withoutAlternative() {
    const wrong = [];
    for (const image of document.querySelectorAll('main img')) {
        if (!image.alt.trim()) wrong.push(`${image.src} has no alt text`);
    }
    for (const svg of document.querySelectorAll('main svg:not(.fa-svg svg, .blockquote-tag-title svg)')) {
        const name = svg.outerHTML.slice(0, 120);
        if (svg.getAttribute('role') !== 'img') wrong.push(`${name}: no role="img"`);
        const ids = (svg.getAttribute('aria-labelledby') ?? '').split(/\s+/).filter(Boolean);
        const named = ids.map((id) => document.getElementById(id));
        for (const tag of ['title', 'desc']) {
            const element = named.find((e) => e?.tagName === tag);
            if (!element || !svg.contains(element) || element.textContent.trim().length < 10) wrong.push(`${name}: aria-labelledby names no ${tag} of its own`);
        }
        for (const user of svg.querySelectorAll('[marker-end], [marker-start]')) {
            const id = (user.getAttribute('marker-end') ?? user.getAttribute('marker-start')).slice(5, -1);
            if (!svg.contains(document.getElementById(id))) wrong.push(`${name}: no marker ${id} in this figure`);
        }
    }
    for (const figure of document.querySelectorAll('main figure')) {
        if (!figure.querySelector('svg, img')) wrong.push('a figure without a picture: is its include right?');
        if (!figure.querySelector('figcaption')?.textContent.trim()) wrong.push('a figure without a caption');
    }
    const seen = new Set();
    for (const { id } of document.querySelectorAll('[id]')) {
        if (seen.has(id)) wrong.push(`the id ${id} is used twice`);
        seen.add(id);
    }
    return wrong;
}

/** Text of the page that is not shown. */
export function hiddenText() {
    const wrong = [];
    const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const words = node.textContent.trim();
        if (!words || node.parentElement.closest('title, desc, script, style, .buttons, .player-controls, .player-more')) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const shown = [...range.getClientRects()].some((r) => r.width > 0 && r.height > 0);
        if (!shown || !node.parentElement.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) wrong.push(words.slice(0, 60));
    }
    return wrong;
}
