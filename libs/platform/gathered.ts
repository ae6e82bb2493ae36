import { setImmediate as nextTurn } from 'node:timers/promises';

/** One answer per question, in their order. */
export type AnswerAll<Question, Answer> = (questions: readonly Question[]) => Promise<readonly Answer[]>;

interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

const MOST_AT_ONCE = 256;

/**
 * Questions to a server that come together are asked together, as most of what a small one costs is its round trip: of
 * about 35 behind an HTTP command, 9 are left where 32 run at a time.
 */
export class Gathered<Question, Answer> {
  private waiting: Waiting<Question, Answer>[] = [];
  private underWay = 0;
  /** Rounds that are not answered yet. */
  private open = 0;

  /**
   * @param rounds asked at the same time, each on a connection of its own
   * @param isMuch whether questions take long enough to be halved where two connections are free: those who are answered
   *   first then go on while the others are being answered
   */
  constructor(
    private readonly answerAll: AnswerAll<Question, Answer>,
    private readonly rounds: number,
    private readonly isMuch: (questions: readonly Question[]) => boolean = () => false,
  ) {}

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ question, resolve, reject });
      if (this.underWay < this.rounds) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.underWay++;
    // What else is asked in this turn of the event loop goes along.
    for (await nextTurn(); this.waiting.length > 0; await nextTurn()) {
      const halved = this.rounds - this.open > 1 && this.isMuch(this.waiting.map(({ question }) => question));
      const most = halved ? Math.ceil(this.waiting.length / 2) : MOST_AT_ONCE;
      const round = this.waiting.splice(0, Math.min(most, MOST_AT_ONCE));
      this.open++;
      try {
        const answers = await this.answerAll(round.map(({ question }) => question));
        round.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
      } catch (error) {
        for (const { reject } of round) reject(error);
      } finally {
        this.open--;
      }
    }
    this.underWay--;
  }
}
