/** Lets a loop sleep until there is something to do, or a time has passed. A wake-up while it works is not lost. */
export class Wake {
  private pending = false;
  private resolve: (() => void) | undefined;

  wake(): void {
    this.pending = true;
    this.resolve?.();
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.pending && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        this.resolve = done;
        signal.addEventListener('abort', done, { once: true });
      });
    }
    this.pending = false;
    this.resolve = undefined;
  }
}
