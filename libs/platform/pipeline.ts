import type { ClientBase, QueryConfig } from 'pg';

/** What writes rows, and asks for no answer. */
export interface Statements {
  query(statement: string | QueryConfig, values?: unknown[]): Promise<unknown>;
}

/**
 * Writes of a transaction, sent one behind the other without waiting for their answers, where the connection can; else
 * one after the other. They are carried out in the order they are sent in, with whatever else the connection is asked.
 */
export class Pipeline implements Statements {
  private readonly sent: Promise<unknown>[] = [];

  constructor(private readonly client: ClientBase) {}

  async query(statement: string | QueryConfig, values?: unknown[]): Promise<void> {
    const answer = this.client.query(statement as string, values);
    if (!canPipeline(this.client)) return void (await answer);
    answer.catch(() => undefined);
    this.sent.push(answer);
  }

  /** Waits for all that was sent. @throws what the first that failed was answered: those behind it fail with it */
  async landed(): Promise<void> {
    await allInOrder(this.sent.splice(0));
  }
}

/**
 * Questions of which none needs the answer of another, sent at once where the connection can.
 * @throws what the first that failed was answered
 */
export async function askTogether<Asked extends readonly unknown[]>(
  client: ClientBase,
  ...questions: { [Index in keyof Asked]: () => Promise<Asked[Index]> }
): Promise<Asked> {
  if (canPipeline(client)) return (await allInOrder(questions.map((ask) => ask()))) as unknown as Asked;
  const answers: unknown[] = [];
  for (const ask of questions) answers.push(await ask());
  return answers as unknown as Asked;
}

async function allInOrder<Answer>(sent: readonly Promise<Answer>[]): Promise<Answer[]> {
  const settled = await Promise.allSettled(sent);
  return settled.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  });
}

function canPipeline(client: ClientBase): boolean {
  return (client as { pipeline?: boolean }).pipeline === true;
}
