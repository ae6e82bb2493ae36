import { readFile } from 'node:fs/promises';
import { projectPath } from '../embedded/index.js';

/** Names of the object types that a schema defines. */
export function definitionsOf(schema: string): string[] {
  const withoutComments = schema.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  return [...withoutComments.matchAll(/\bdefinition\s+([a-z][a-z0-9_/]*)/g)].map((match) => match[1]!);
}

/** The object types that are ours: others in the same SpiceDB belong to other services. */
export async function ownTypes(): Promise<string[]> {
  return definitionsOf(await readFile(projectPath('schema.zed'), 'utf8'));
}
