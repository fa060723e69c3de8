package main

import (
	"bytes"
	"context"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	goldmarktext "github.com/yuin/goldmark/text"
)

// version is the project's; the build sets it.
var version = "unknown"

// converters has a converter for each choice of options: {gfm, raw}. They may be used by any number of goroutines.
var converters = map[[2]bool]goldmark.Markdown{}

type markdown struct{}

func (markdown) ToHTML(ctx context.Context, text string, gfm bool, raw bool) (string, error) {
	var out bytes.Buffer
	err := converters[[2]bool{gfm, raw}].Convert([]byte(text), &out)
	return out.String(), err
}

func (markdown) Headings(ctx context.Context, text string) ([]Heading, error) {
	source := []byte(text)
	var found []Heading
	document := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
	).Parse(goldmarktext.NewReader(source))
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if heading, is := node.(*ast.Heading); is && entering {
			found = append(found, Heading{Level: uint8(heading.Level), Text: textOf(heading, source)})
		}
		return ast.WalkContinue, nil
	})
	return found, err
}

// textOf returns the text below a node, without what marks it up.
func textOf(node ast.Node, source []byte) string {
	var out bytes.Buffer
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.Text:
			out.Write(child.Segment.Value(source))
		case *ast.String:
			out.Write(child.Value)
		default:
			out.WriteString(textOf(child, source))
		}
	}
	return out.String()
}

func (markdown) Version(ctx context.Context) (string, error) { return version, nil }

func init() {
	for _, gfm := range []bool{false, true} {
		for _, raw := range []bool{false, true} {
			options := []goldmark.Option{}
			if gfm {
				options = append(options, goldmark.WithExtensions(extension.GFM))
			}
			if raw {
				options = append(options, goldmark.WithRendererOptions(html.WithUnsafe(), html.WithXHTML()))
			}
			converters[[2]bool{gfm, raw}] = goldmark.New(options...)
		}
	}
	RegisterMarkdown(markdown{})
}
