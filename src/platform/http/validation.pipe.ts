import { ArgumentMetadata, Injectable, ValidationError, ValidationPipe } from '@nestjs/common';
import { FieldError } from '../../shared/domain-error';
import { escapePointer } from './body.policy';
import { ValidationFailed } from './http.errors';

const primitives = new Set<unknown>([String, Number, Boolean, Array, Object, Buffer, undefined]);

/**
 * Checks bodies and queries against their DTO class. Fields nobody declared are refused: a typo must not pass as a default. An optional
 * field that is null is absent, everywhere; a required one is missing.
 */
@Injectable()
export class StrictValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      transform: true,
      exceptionFactory: (errors) => new ValidationFailed(toFieldErrors(errors)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (primitives.has(metadata.metatype)) return value;
    if (metadata.type === 'body' && value !== undefined && !isPlainObject(value)) {
      throw new ValidationFailed([{ pointer: '', detail: 'must be a JSON object', code: 'object' }]);
    }
    try {
      const given = withoutNulls(value);
      const dto: unknown = await super.transform(given, metadata);
      if (given !== value) await this.refuseUnknown(value, metadata);
      return dto;
    } catch (error) {
      if (metadata.type !== 'query' || !(error instanceof ValidationFailed)) throw error;
      throw new ValidationFailed(error.errors!.map((field) => ({ ...field, pointer: `?${field.pointer.slice(1)}` })));
    }
  }

  /** Null or not: a field that nobody declared is a typo. */
  private async refuseUnknown(value: unknown, metadata: ArgumentMetadata): Promise<void> {
    try {
      await super.transform(value, metadata);
    } catch (error) {
      const unknown =
        error instanceof ValidationFailed ? error.errors!.filter(({ code }) => code === 'unknown_field') : [];
      if (unknown.length > 0) throw new ValidationFailed(unknown);
    }
  }
}

/** One error per broken field, with a pointer to it; nested objects and array items included. */
export function toFieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap((error) => {
    const pointer = error.property === undefined ? parent : `${parent}/${escapePointer(error.property)}`;
    const own = ownErrorOf(error, pointer);
    return [...(own ? [own] : []), ...toFieldErrors(error.children ?? [], pointer)];
  });
}

function ownErrorOf(error: ValidationError, pointer: string): FieldError | undefined {
  // Decorators register from the bottom up: the last rule is the topmost, which says what the field is.
  const [rule, message] = Object.entries(error.constraints ?? {}).at(-1) ?? [];
  if (!rule || !message) return undefined;
  if (error.value === undefined && rule !== 'whitelistValidation')
    return { pointer, detail: 'is required', code: 'required' };
  return { pointer, detail: detailOf(error.property, rule, message), code: codeOf(rule) };
}

function detailOf(property: string, rule: string, message: string): string {
  if (rule === 'whitelistValidation') return 'is not a field of this request';
  // class-validator begins each sentence with the property, which the pointer already names.
  return message.startsWith(`${property} `) ? message.slice(property.length + 1) : message;
}

function codeOf(rule: string): string {
  if (rule === 'whitelistValidation') return 'unknown_field';
  return rule.replace(/([A-Z])/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '');
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy in which fields that are null are not there; the value itself when it has none. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = (value as unknown[]).map(withoutNulls);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isPlainObject(value)) return value;
  const fields = Object.entries(value as object);
  const kept = fields
    .filter(([, field]) => field !== null)
    .map(([name, field]) => [name, withoutNulls(field)] as const);
  const isSame = kept.length === fields.length && kept.every(([, field], index) => field === fields[index]![1]);
  return isSame ? value : Object.fromEntries(kept);
}
