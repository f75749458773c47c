import { ArgumentMetadata, Injectable, ValidationError, ValidationPipe } from '@nestjs/common';
import { FieldError } from '../../shared/domain-error';
import { escapePointer } from './body.policy';
import { ValidationFailed } from './http.errors';

const primitives = new Set<unknown>([String, Number, Boolean, Array, Object, Buffer, undefined]);

/** Checks bodies and queries against their DTO class. Fields nobody declared are refused: a typo must not pass as a default. */
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
      return (await super.transform(value, metadata)) as unknown;
    } catch (error) {
      if (metadata.type !== 'query' || !(error instanceof ValidationFailed)) throw error;
      throw new ValidationFailed(error.errors!.map((field) => ({ ...field, pointer: `?${field.pointer.slice(1)}` })));
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
