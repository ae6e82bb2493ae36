import pg from 'pg';

// Loaded before a program (NODE_OPTIONS=--import …): kills it once statements that begin like those of KILL_AFTER, which
// ";" separates, were done in this order. So the program itself is the one that is shipped.
const awaited = (process.env['KILL_AFTER'] ?? '').split(';').filter(Boolean);

type Query = (this: pg.Client, ...args: unknown[]) => unknown;
const query = pg.Client.prototype.query as Query;
const watched: Query = function (...args) {
  const answer = query.apply(this, args);
  const [text] = args;
  const next = awaited[0];
  if (next && typeof text === 'string' && text.trimStart().startsWith(next) && answer instanceof Promise) {
    return answer.then((result: unknown) => {
      awaited.shift();
      if (awaited.length === 0) process.kill(process.pid, 'SIGKILL');
      return result;
    });
  }
  return answer;
};
Object.assign(pg.Client.prototype, { query: watched });
