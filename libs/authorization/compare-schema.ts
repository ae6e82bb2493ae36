interface Block {
  kind: 'definition' | 'caveat' | 'partial';
  name: string;
  /** As it was written. */
  text: string;
  /** What it says, whatever its order and spacing. */
  statements: string[];
}
interface Schema {
  uses: string[];
  blocks: Block[];
}

/** What a live schema says differently than it should, of what is ours. */
export interface SchemaDifference {
  missing: string[];
  unexpected: string[];
}

/** Our schema with the definitions that other services keep in the same SpiceDB. */
export function withForeignDefinitions(ours: string, live: string): string {
  const [own, found] = [parseSchema(ours), parseSchema(live)];
  const names = new Set(own.blocks.map(({ name }) => name));
  const foreign = found.blocks.filter(({ name }) => !names.has(name));
  if (foreign.length === 0) return ours;
  const uses = found.uses.filter((use) => !own.uses.includes(use));
  return [...uses, ours.trim(), ...foreign.map(({ text }) => text), ''].join('\n\n');
}

/** SpiceDB answers with a schema in its own order. */
export function compareSchema(ours: string, live: string): SchemaDifference {
  const own = parseSchema(ours).blocks;
  const names = new Set(own.map(({ name }) => name));
  const found = parseSchema(live).blocks.filter(({ name }) => names.has(name));
  const [wanted, actual] = [statementsOf(own), statementsOf(found)];
  return {
    missing: wanted.filter((statement) => !actual.includes(statement)),
    unexpected: actual.filter((statement) => !wanted.includes(statement)),
  };
}

function statementsOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ kind, name, statements }) => [
    `${kind} ${name}`,
    ...statements.map((statement) => `${kind} ${name}: ${statement}`),
  ]);
}

function parseSchema(text: string): Schema {
  // As long as the text, so that places in it are places in the text.
  const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
  const uses = [...bare.matchAll(/^\s*(use\s+\w+)\s*$/gm)].map((match) => oneSpaced(match[1]!));
  const blocks: Block[] = [];
  for (const match of bare.matchAll(/\b(definition|caveat|partial)\s+([a-z][\w/]*)[^{]*\{/g)) {
    const end = closingBrace(bare, match.index + match[0].length);
    const kind = match[1] as Block['kind'];
    const body = bare.slice(match.index + match[0].length, end);
    const statements = kind === 'definition' ? members(body) : [oneSpaced(body)];
    blocks.push({ kind, name: match[2]!, text: text.slice(match.index, end + 1), statements });
  }
  return { uses, blocks };
}

function closingBrace(text: string, from: number): number {
  let at = from;
  for (let open = 1; at < text.length; at++) {
    if (text[at] === '{') open++;
    if (text[at] === '}' && --open === 0) break;
  }
  return at;
}

function members(body: string): string[] {
  return body
    .split(/\s(?=(?:relation|permission)\s+\w+\s*[:=])/)
    .map(oneSpaced)
    .filter((statement) => statement !== '')
    .map((statement) => {
      const [head, types] = statement.split(/\s*:\s*/, 2) as [string, string?];
      return types === undefined || !head.startsWith('relation ')
        ? statement
        : `${head}: ${types.split(' | ').sort().join(' | ')}`;
    });
}

function oneSpaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
