import type { Category } from './answers';
import { call } from './api';

/** A category with the names of those it lies in: `Sports / Tennis`. */
export type Placed = Category & { path: string };

/** There are at most three levels (AddCategory). */
export const LEVELS_MAX = 3;

/** All categories, each after the one it lies in. */
export async function categories(): Promise<Placed[]> {
  return below(-1, '', LEVELS_MAX);
}

async function below(CateId: number, path: string, levels: number): Promise<Placed[]> {
  const told = await call('GetCategories', { CateId, PageSize: 100, SortBy: 'CreationTime:Asc' });
  const lists = await Promise.all(
    told.SubCategories.Category.map(async (category) => {
      const placed = { ...category, path: path ? `${path} / ${category.CateName}` : category.CateName };
      const inner = levels > 1 && (category.SubTotal ?? 0) > 0 ? await below(category.CateId, placed.path, levels - 1) : [];
      return [placed, ...inner];
    }),
  );
  return lists.flat();
}
