import { RELATIONS } from './catalogue.js';

/** What each definition of the schema says of a permission of the catalogue. */
const LINES: Readonly<Record<string, (name: string) => string>> = {
  role: (name) => `relation ${name}: user:* | service_account:*`,
  role_binding: (name) => `permission ${name} = subject & role->${name}`,
  tenant: (name) => `permission ${name} = admin + binding->${name}`,
  workspace: (name) => `permission ${name} = binding->${name} + tenant->${name}`,
};
const SECTION = /(\t\/\/ catalogue\n)[\s\S]*?(\t\/\/ end of catalogue\n)/;

/** The schema with the sections that follow from the catalogue written anew. */
export function withCatalogue(schema: string): string {
  return schema.replace(/definition (\w+) \{[\s\S]*?\n\}/g, (definition, name: string) => {
    const line = LINES[name];
    if (!line) return definition;
    const lines = RELATIONS.map((relation) => `\t${line(relation)}\n`).join('');
    if (!SECTION.test(definition)) throw new Error(`the definition ${name} has no section for the catalogue`);
    return definition.replace(SECTION, (_section, begin: string, end: string) => `${begin}${lines}${end}`);
  });
}
