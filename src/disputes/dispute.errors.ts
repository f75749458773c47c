import { NotFoundError } from '../shared/domain-error';

export class DisputeNotFound extends NotFoundError {
  constructor(id: string) {
    super('dispute', id);
  }
}
