/**
 * An agent that kills itself, as `kill -9` does, at a moment that is named by what it logs then:
 * `node killable-agent.ts ROOT MESSAGE COUNT`, at the COUNTth time.
 */
import { openAgent } from '../agent.ts';

const [root = '', message = '', count = '1'] = process.argv.slice(2);
let left = Number(count);
openAgent({
  root,
  log(_, said) {
    if (said !== message) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
