// A thousand of the runs that tracker_fuzz.js can make.
import { test } from 'node:test';
import { check } from './tracker_fuzz.js';

test('what is imported comes back, and nothing is lost', () => {
    for (let seed = 0; seed < 1000; seed += 1) check(seed);
});
