interface Route {
  matches: RegExp;
  methods: Set<string>;
}

function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment.replace(/[.*+?^${}()|[\]\\]/g, (sign) => (sign === '*' ? '.*' : `\\${sign}`));
  });
  return new RegExp(`^${segments.join('/')}$`, 's');
}

/** As the router reads it, which takes `%76` for `v`. */
export function decodedPath(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** Which methods each path offers: the router itself only answers for one method at a time. */
export class RouteTable {
  readonly #routes = new Map<string, Route>();

  add(url: string, method: string | readonly string[]): void {
    const route = this.#routes.get(url) ?? { matches: patternOf(url), methods: new Set() };
    for (const offered of [method].flat()) route.methods.add(offered);
    this.#routes.set(url, route);
  }

  /** In alphabetical order; empty for an unknown path. */
  methodsFor(path: string): string[] {
    const text = decodedPath(path);
    const matching = [...this.#routes.values()].filter(({ matches }) => matches.test(text));
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
  }
}
