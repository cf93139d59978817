// What the course adds to mdBook's own script: two themes instead of five, and nothing folded away on paper.
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
    if (/\/print(\.html)?$/.test(location.pathname)) {
        open();
        opened = [];
    }
})();
