import { NotFoundError } from '../shared/domain-error';

export class ReportNotFound extends NotFoundError {
  constructor(name: string) {
    super('report', name);
  }
}
