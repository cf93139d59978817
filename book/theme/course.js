// What the course adds to mdBook's own script: two themes instead of five, nothing folded away on paper, and what a
// screen reader or a keyboard needs and mdBook's pages lack.
(() => {
    'use strict';

    const button = (theme) => document.getElementById(`mdbook-theme-${theme}`);
    const light = button('light');
    const dark = button('navy');
    if (light && dark) {
        // A theme stored by another book on this address becomes the one of ours that looks like it.
        const html = document.documentElement.classList;
        if (html.contains('coal') || html.contains('ayu')) dark.click();
        if (html.contains('rust')) light.click();
        dark.textContent = 'Dark';
        for (const theme of ['default_theme', 'rust', 'coal', 'ayu']) button(theme)?.closest('li').remove();
        // Without a stored choice mdBook marked "Auto", which is gone now: mark the theme that is shown.
        if (!document.querySelector('#mdbook-theme-list .theme-selected')) {
            (html.contains('navy') ? dark : light).classList.add('theme-selected');
        }
    }

    // The bar at the top is a landmark.
    document.getElementById('mdbook-menu-bar')?.setAttribute('role', 'banner');
    // mdBook's toggle of the sidebar is the label of a hidden box, out of a keyboard's reach: a button takes its place.
    const label = document.getElementById('mdbook-sidebar-toggle');
    const box = document.getElementById('mdbook-sidebar-toggle-anchor');
    const sidebar = document.getElementById('mdbook-sidebar');
    if (label && box && sidebar) {
        const toggle = document.createElement('button');
        toggle.type = 'button';
        for (const { name, value } of label.attributes) if (name !== 'for') toggle.setAttribute(name, value);
        toggle.append(...label.childNodes);
        label.replaceWith(toggle);
        toggle.addEventListener('click', () => {
            // What is not displayed can't slide in.
            if (!box.checked) {
                sidebar.style.display = '';
                void sidebar.offsetHeight;
            }
            box.click();
        });
        const tell = () => toggle.setAttribute('aria-expanded', String(sidebar.getAttribute('aria-hidden') !== 'true'));
        new MutationObserver(tell).observe(sidebar, { attributeFilter: ['aria-hidden'] });
        tell();
    }
    // A corner of a table names no column.
    for (const corner of document.querySelectorAll('main th:empty')) corner.replaceWith(document.createElement('td'));
    // A long path breaks behind its folders, and in a narrow column behind each word of a name.
    const breakable = (code, places) => {
        const parts = code.textContent.split(places);
        code.replaceChildren(...parts.flatMap((part) => [document.createElement('wbr'), part]).slice(1));
    };
    for (const code of document.querySelectorAll('main :not(pre) > code')) {
        if (code.closest('.versus td')) breakable(code, /(?<=\/|::|_)|(?<=[a-z])(?=[A-Z])/);
        else if (code.textContent.length > 24 && !code.childElementCount) breakable(code, /(?<=\/|::)/);
    }
    // A list of boxes in the text can't be ticked. Each box is called what stands behind it.
    for (const box of document.querySelectorAll('main li > input[type="checkbox"][disabled]')) {
        box.setAttribute('aria-label', box.parentElement.textContent.trim());
    }
    // What scrolls inside itself has to be reached by keyboard; what fits needs no stop.
    const reach = () => {
        for (const box of document.querySelectorAll('main :is(pre, pre > code, .table-wrapper)')) {
            const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== 'hidden';
            if (scrolls) box.tabIndex = 0;
            else if (box.tabIndex === 0) box.removeAttribute('tabindex');
        }
    };
    window.addEventListener('load', reach);
    window.addEventListener('resize', reach);
    document.addEventListener('toggle', reach, true);

    const isPrintPage = /\/print(\.html)?$/.test(location.pathname);

    // How long a page is: its words but for figures, code and what is folded away, and its lines of code.
    const WORDS_A_MINUTE = 180;
    const LINES_A_MINUTE = 15;
    const tellLength = (main, title) => {
        const count = (text) => (text.match(/[\p{L}\p{N}][^\s]*/gu) ?? []).length;
        const code = [...main.querySelectorAll('pre')].filter((pre) => !pre.closest('details'));
        const lines = code.reduce((sum, pre) => sum + pre.textContent.trim().split('\n').length, 0);
        const text = main.cloneNode(true);
        for (const other of text.querySelectorAll('pre, figure, svg, details, script, button, nav')) other.remove();
        const words = count(text.textContent);
        if (words < 100) return;
        const minutes = Math.max(1, Math.round(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE));
        const length = document.createElement('p');
        length.className = 'page-length';
        const ofCode = lines > 0 ? ` and ${lines} ${lines === 1 ? 'line' : 'lines'} of code` : '';
        length.textContent = `${words.toLocaleString('en')} words${ofCode}: about ${minutes} min to read`;
        title.after(length);
    };
    const main = document.querySelector('#mdbook-content main');
    const title = main?.querySelector('h1');
    if (title && !isPrintPage) tellLength(main, title);

    let opened = [];
    const open = () => {
        opened = [...document.querySelectorAll('details:not([open])')];
        for (const details of opened) details.open = true;
    };
    window.addEventListener('beforeprint', open);
    window.addEventListener('afterprint', () => {
        for (const details of opened) details.open = false;
        opened = [];
    });
    // The page that holds the whole book is there to be printed.
    if (isPrintPage) {
        open();
        opened = [];
    }
})();
