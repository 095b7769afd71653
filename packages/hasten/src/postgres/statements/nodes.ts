/**
 * Every node of a parse tree that is understood, with every field it may have.
 *
 * Invariant: fail closed. A node or a field that is not named here makes the statement opaque, so a
 * newer PostgreSQL cannot bring a clause that is silently ignored.
 * After a field's name: `?` one node, `*` a list of nodes, `:X` an X without its type around it;
 * nothing: a plain value that does not change what is read.
 */
type FieldKind = "plain" | "node" | "nodes" | { readonly of: string };

const SOURCE: Readonly<Record<string, string>> = {
  SelectStmt:
    "distinctClause* targetList* fromClause* whereClause? groupClause* groupDistinct groupByAll havingClause? windowClause* valuesLists* sortClause* limitOffset? limitCount? limitOption withClause:WithClause op all larg:SelectStmt rarg:SelectStmt",
  JoinExpr:
    "jointype isNatural larg? rarg? usingClause* join_using_alias:Alias quals? alias:Alias rtindex",
  RangeSubselect: "lateral subquery? alias:Alias",
  RangeFunction: "lateral ordinality is_rowsfrom functions* alias:Alias coldeflist*",
  RangeTableFunc: "lateral docexpr? rowexpr? namespaces* columns* alias:Alias location",
  RangeTableFuncCol:
    "colname typeName:TypeName for_ordinality is_not_null colexpr? coldefexpr? location",
  WithClause: "ctes* recursive location",
  CommonTableExpr:
    "ctename aliascolnames* ctematerialized ctequery? search_clause:CTESearchClause cycle_clause:CTECycleClause location",
  CTESearchClause: "search_col_list* search_breadth_first search_seq_column location",
  CTECycleClause:
    "cycle_col_list* cycle_mark_column cycle_mark_value? cycle_mark_default? cycle_path_column location",
  Alias: "aliasname colnames*",
  ResTarget: "name indirection* val? location",
  ColumnRef: "fields* location",
  A_Star: "",
  String: "sval",
  Integer: "ival",
  Float: "fval",
  Boolean: "boolval",
  BitString: "bsval",
  List: "items*",
  A_Const: "ival fval boolval sval bsval isnull location",
  ParamRef: "number location",
  A_Expr: "kind name* lexpr? rexpr? rexpr_list_start rexpr_list_end location",
  BoolExpr: "boolop args* location",
  NullTest: "arg? nulltesttype argisrow location",
  BooleanTest: "arg? booltesttype location",
  SubLink: "subLinkType subLinkId testexpr? operName* subselect? location",
  FuncCall:
    "funcname* args* agg_order* agg_filter? over:WindowDef agg_within_group agg_star agg_distinct func_variadic funcformat location",
  NamedArgExpr: "arg? name argnumber location",
  TypeCast: "arg? typeName:TypeName location",
  TypeName: "names* typeOid setof typmods* typemod arrayBounds* location",
  CollateClause: "arg? collname* location",
  A_Indirection: "arg? indirection*",
  A_Indices: "is_slice lidx? uidx?",
  A_ArrayExpr: "elements* list_start list_end location",
  RowExpr: "args* row_typeid row_format colnames* location",
  CoalesceExpr: "coalescetype coalescecollid args* location",
  MinMaxExpr: "minmaxtype minmaxcollid inputcollid op args* location",
  CaseExpr: "casetype casecollid arg? args* defresult? location",
  CaseWhen: "expr? result? location",
  GroupingFunc: "args* refs* agglevelsup location",
  GroupingSet: "kind content* location",
  WindowDef:
    "name refname partitionClause* orderClause* frameOptions startOffset? endOffset? location",
  SortBy: "node? sortby_dir sortby_nulls useOp* location",
  ColumnDef: "colname typeName:TypeName is_local inhcount collClause:CollateClause location",
  XmlExpr: "op name named_args* arg_names* args* xmloption indent type typmod location",
  XmlSerialize: "xmloption expr? typeName:TypeName indent location",
  JsonFormat: "format_type encoding location",
  JsonReturning: "format:JsonFormat typid typmod",
  JsonValueExpr: "raw_expr? formatted_expr? format:JsonFormat",
  JsonIsPredicate: "expr? format:JsonFormat item_type unique_keys location",
  JsonBehavior: "btype expr? coerce location",
  JsonOutput: "typeName:TypeName returning:JsonReturning",
  JsonArgument: "val:JsonValueExpr name",
  JsonFuncExpr:
    "op column_name context_item:JsonValueExpr pathspec? passing* output:JsonOutput on_empty:JsonBehavior on_error:JsonBehavior wrapper quotes location",
  JsonTablePathSpec: "string? name name_location location",
  JsonTable:
    "context_item:JsonValueExpr pathspec:JsonTablePathSpec passing* columns* on_error:JsonBehavior alias:Alias lateral location",
  JsonTableColumn:
    "coltype name typeName:TypeName pathspec:JsonTablePathSpec format:JsonFormat wrapper quotes columns* on_empty:JsonBehavior on_error:JsonBehavior location",
  JsonKeyValue: "key? value:JsonValueExpr",
  JsonParseExpr: "expr:JsonValueExpr output:JsonOutput unique_keys location",
  JsonScalarExpr: "expr? output:JsonOutput location",
  JsonSerializeExpr: "expr:JsonValueExpr output:JsonOutput location",
  JsonObjectConstructor: "exprs* output:JsonOutput absent_on_null unique location",
  JsonArrayConstructor: "exprs* output:JsonOutput absent_on_null location",
  JsonArrayQueryConstructor: "query? output:JsonOutput format:JsonFormat absent_on_null location",
  JsonAggConstructor: "output:JsonOutput agg_filter? agg_order* over:WindowDef location",
  JsonObjectAgg: "constructor:JsonAggConstructor arg:JsonKeyValue absent_on_null unique",
  JsonArrayAgg: "constructor:JsonAggConstructor arg:JsonValueExpr absent_on_null",
  InsertStmt:
    "cols* selectStmt? onConflictClause:OnConflictClause returningClause:ReturningClause withClause:WithClause override",
  UpdateStmt:
    "targetList* whereClause? fromClause* returningClause:ReturningClause withClause:WithClause",
  DeleteStmt: "usingClause* whereClause? returningClause:ReturningClause withClause:WithClause",
  MergeStmt:
    "sourceRelation? joinCondition? mergeWhenClauses* returningClause:ReturningClause withClause:WithClause",
  MergeWhenClause: "matchKind commandType override condition? targetList* values*",
  OnConflictClause: "action infer:InferClause targetList* whereClause? location",
  InferClause: "indexElems* whereClause? conname location",
  IndexElem: "name expr? indexcolname collation* opclass* opclassopts* ordering nulls_ordering",
  ReturningClause: "options* exprs*",
  ReturningOption: "option value location",
  SetToDefault: "typeId typeMod collation location",
  MultiAssignRef: "source? colno ncolumns",
  MergeSupportFunc: "msftype msfcollid location",
};

/** The fields of each node that is understood. */
export const NODES: ReadonlyMap<string, ReadonlyMap<string, FieldKind>> = new Map(
  Object.entries(SOURCE).map(([type, fields]) => [type, fieldsOf(fields)]),
);

function fieldsOf(source: string): ReadonlyMap<string, FieldKind> {
  const fields = source.split(" ").filter((field) => field !== "");
  return new Map(fields.map(fieldOf));
}

function fieldOf(source: string): [string, FieldKind] {
  if (source.endsWith("?")) return [source.slice(0, -1), "node"];
  if (source.endsWith("*")) return [source.slice(0, -1), "nodes"];
  const [name = "", of] = source.split(":");
  return [name, of === undefined ? "plain" : { of }];
}
