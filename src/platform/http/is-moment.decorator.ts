import { ValidateBy, ValidationOptions } from 'class-validator';

const shape = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/**
 * True for a moment that everybody reads alike: a date, a time and a time zone, of a day that exists. ISO 8601 also has weeks, day
 * numbers and times without a zone; `Date` reads those not at all, or as somebody's local time.
 */
export function isMoment(value: unknown): boolean {
  const [, year, month, day] = (typeof value === 'string' && shape.exec(value)) || [];
  if (year === undefined || year === '0000') return false;
  // The parser takes the 31st of November for the 1st of December.
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}`);
}

/** Wants an ISO 8601 date and time with a zone, like 2026-12-24T18:00:00Z; `new Date(value)` is then safe. */
export const IsMoment = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isMoment',
      validator: {
        validate: isMoment,
        defaultMessage: () => '$property must be an ISO 8601 date and time with a time zone, like 2026-12-24T18:00:00Z',
      },
    },
    options,
  );
