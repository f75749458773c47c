import { DomainError } from '../shared/domain-error';

export class AnalyticsPeriodRefused extends DomainError {
  readonly code = 'analytics_period_refused';
  readonly status = 422;
  constructor(daysMax: number) {
    super(`The period must begin before it ends and be at most ${daysMax} days long.`, [
      { pointer: '?to', detail: `must be after from, by at most ${daysMax} days`, code: 'period' },
    ]);
  }
}
