package main

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

type server struct{}

func init() { RegisterHCL(server{}) }

func (server) Loads(_ context.Context, text string, keep bool) (map[string]any, error) {
	file, problems := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if problems.HasErrors() {
		return nil, errorOf(problems)
	}
	return document{text, keep}.body(file.Body.(*hclsyntax.Body)), nil
}

func (s server) AttributesLoads(ctx context.Context, text string) (map[string]any, error) {
	file, _ := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if _, problems := file.Body.JustAttributes(); problems.HasErrors() {
		return nil, errorOf(problems)
	}
	return s.Loads(ctx, text, false)
}

func errorOf(problems hcl.Diagnostics) error {
	if problems.HasErrors() {
		return HCLError{problems.Error()}
	}
	return nil
}

// document makes Go values of a syntax tree. What has to be evaluated stays text, within ${ } if keep is set.
type document struct {
	text string
	keep bool
}

func (d document) body(body *hclsyntax.Body) map[string]any {
	made := map[string]any{}
	for name, attribute := range body.Attributes {
		made[name] = d.value(attribute.Expr)
	}
	for _, block := range body.Blocks {
		into, key := made, block.Type
		for _, label := range block.Labels {
			if _, ok := into[key].(map[string]any); !ok {
				into[key] = map[string]any{}
			}
			into, key = into[key].(map[string]any), label
		}
		if others, ok := into[key].([]any); ok {
			into[key] = append(others, d.body(block.Body))
		} else if into[key] != nil {
			into[key] = []any{into[key], d.body(block.Body)}
		} else {
			into[key] = d.body(block.Body)
		}
	}
	return made
}

func (d document) value(expression hclsyntax.Expression) any {
	switch e := expression.(type) {
	case *hclsyntax.LiteralValueExpr, *hclsyntax.UnaryOpExpr:
		if value, problems := e.Value(nil); !problems.HasErrors() {
			return valueOf(value)
		}
	case *hclsyntax.TemplateWrapExpr:
		return d.value(e.Wrapped)
	case *hclsyntax.ObjectConsKeyExpr:
		if name := hcl.ExprAsKeyword(e); name != "" {
			return name
		}
		return d.value(e.Wrapped)
	case *hclsyntax.TemplateExpr:
		text := ""
		for _, part := range e.Parts {
			piece, _ := d.value(part).(string)
			if _, literal := part.(*hclsyntax.LiteralValueExpr); d.keep && !literal {
				piece = "${" + piece + "}"
			}
			text += piece
		}
		return text
	case *hclsyntax.TupleConsExpr:
		list := []any{}
		for _, item := range e.Exprs {
			list = append(list, d.value(item))
		}
		return list
	case *hclsyntax.ObjectConsExpr:
		made := map[any]any{}
		for _, item := range e.Items {
			made[d.value(item.KeyExpr)] = d.value(item.ValueExpr)
		}
		return made
	}
	return string(expression.Range().SliceBytes([]byte(d.text)))
}

func valueOf(value cty.Value) any {
	switch {
	case value.IsNull():
		return nil
	case value.Type() == cty.Bool:
		return value.True()
	case value.Type() == cty.String:
		return value.AsString()
	}
	number := value.AsBigFloat()
	if whole, _ := number.Int(nil); number.IsInt() {
		return whole
	}
	float, _ := number.Float64()
	return float
}

var functions = map[string]function.Function{
	"contains": stdlib.ContainsFunc, "floor": stdlib.FloorFunc, "join": stdlib.JoinFunc, "length": stdlib.LengthFunc, "lower": stdlib.LowerFunc,
	"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "regex": stdlib.RegexFunc, "strlen": stdlib.StrlenFunc, "upper": stdlib.UpperFunc,
}

func (server) EvalVarCondition(_ context.Context, condition, message, name, value string) error {
	given, problems := evaluate(value, nil)
	if problems.HasErrors() {
		given = cty.StringVal(value)
	}
	variables := map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{name: given})}
	known := &hcl.EvalContext{Variables: variables, Functions: functions}
	if result, problems := evaluate(condition, known); problems.HasErrors() || result.RawEquals(cty.True) {
		return errorOf(problems)
	}
	if filled, problems := evaluate(`"`+message+`"`, known); !problems.HasErrors() {
		message = filled.AsString()
	}
	return HCLError{message}
}

func evaluate(text string, known *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	expression, problems := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	value, more := expression.Value(known)
	return value, append(problems, more...)
}
