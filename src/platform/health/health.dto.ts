export class LivenessView {
  status: 'ok';
}

export class ReadinessChecksView {
  database: 'up' | 'down';
  queue: 'up' | 'down';
}

export class ReadinessView {
  status: 'ok' | 'unavailable' | 'stopping';
  checks: ReadinessChecksView;
}
