import { applyDecorators, Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, getSchemaPath } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

const wholeNumber = /^\d{1,9}$/;

/** Which part of a list. Filters of a list extend this. */
export class PageQuery {
  /** How many to return. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && wholeNumber.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  /** The id of the last row of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  starting_after?: string;
}

/** One page, newest first. */
export interface Page<View> {
  data: View[];
  has_more: boolean;
  /** Give it as `starting_after` to get the next page; null on the last. */
  next_cursor: string | null;
}

/** Makes a page of `limit + 1` fetched rows: the row too many says that there is more. */
export function toPage<Row extends { readonly id: string }, View>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => View,
): Page<View> {
  const shown = rows.slice(0, limit);
  const hasMore = rows.length > limit;
  return { data: shown.map(view), has_more: hasMore, next_cursor: hasMore ? (shown.at(-1)?.id ?? null) : null };
}

/** Documents a list's answer: a page of these. Generic types leave nothing that the generator could read. */
export const ApiPage = (view: Type): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(view),
    ApiOkResponse({
      schema: {
        type: 'object',
        required: ['data', 'has_more', 'next_cursor'],
        properties: {
          data: { type: 'array', items: { $ref: getSchemaPath(view) } },
          has_more: { type: 'boolean' },
          next_cursor: {
            type: 'string',
            nullable: true,
            description: 'Give it as `starting_after` to get the next page.',
          },
        },
      },
    }),
  );
