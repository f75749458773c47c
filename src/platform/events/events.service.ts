import { Injectable } from '@nestjs/common';
import { Tx } from '../database/database';
import { Jobs } from '../jobs/jobs.service';
import { EventClass } from './on.decorator';

/**
 * Facts travel up: a module announces what happened and later modules listen (`@On`). One job per listener, in the caller's
 * transaction, so a fact is heard if and only if it was committed. There is no in-memory bus to lose it.
 */
@Injectable()
export class Events {
  constructor(private readonly jobs: Jobs) {}

  async announce(tx: Tx, event: object): Promise<void> {
    for (const queue of this.jobs.listenersOf(event.constructor as EventClass)) {
      await this.jobs.enqueue(tx, queue, event);
    }
  }
}
