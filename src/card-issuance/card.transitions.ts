import { TransitionTable } from '../shared/transitions';
import { CardStatus } from './card.types';

/** `canceled` and `failed` are for good: whatever is heard later, and in whatever order, a dead card never lives again. */
export const cardTransitions: TransitionTable<CardStatus> = {
  requested: ['active', 'inactive', 'canceled', 'failed'],
  active: ['inactive', 'canceled'],
  inactive: ['active', 'canceled'],
  canceled: [],
  failed: [],
};
