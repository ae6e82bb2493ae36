import { RouteTable } from './method-not-allowed.js';

const table = new RouteTable();
table.add('/v1/things', 'GET');
table.add('/v1/things', ['POST', 'HEAD']);
table.add('/v1/things/:id', 'DELETE');
table.add('/v1/things/search', 'GET');
table.add('/v1/things/:id/parts/:partId', 'PUT');
table.add('/docs/*', 'GET');
table.add('/a.b', 'GET');

describe('the table of routes', () => {
  it.each([
    ['/v1/things', ['GET', 'HEAD', 'POST']],
    ['/v1/things/1', ['DELETE']],
    ['/v1/things/search', ['DELETE', 'GET']],
    ['/v1/th%69ngs', ['GET', 'HEAD', 'POST']],
    ['/v1/things/1/parts/2', ['PUT']],
    ['/docs/a/b.js', ['GET']],
    ['/a.b', ['GET']],
  ])('offers at %s %j', (path, methods) => {
    expect(table.methodsFor(path)).toEqual(methods);
  });

  it.each(['/', '', '/v1', '/v1/things/', '/v1/things//parts/2', '/v1/things/1/parts', '/axb', '/V1/things', '/%'])(
    'knows nothing at "%s"',
    (path) => {
      expect(table.methodsFor(path)).toEqual([]);
    },
  );
});
