/** What time it is. Injected everywhere, so that a test can move it; only this file may ask the system. */
export abstract class Clock {
  abstract now(): Date;
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
}
