// Checks notes, proofs and exported logs with the Go team's packages for checksum databases, which know nothing of
// Remission. Each line of standard input is a check in JSON; each line of standard output is what came of it.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// check is one question. Bytes are base64.
type check struct {
	Kind    string   `json:"kind"` // note, inclusion, consistency or folder
	Note    string   `json:"note"`
	Key     string   `json:"key"`
	Size    int64    `json:"size"`
	Root    []byte   `json:"root"`
	Index   int64    `json:"index"`
	Entry   []byte   `json:"entry"`
	OldSize int64    `json:"old_size"`
	OldRoot []byte   `json:"old_root"`
	Path    [][]byte `json:"path"`
	Folder  string   `json:"folder"`
	Indexes []int64  `json:"indexes"`
	Olds    []int64  `json:"olds"`
}

type answer struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var asked check
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		told := answer{OK: true}
		if err := run(asked); err != nil {
			told = answer{Error: err.Error()}
		}
		if err := out.Encode(told); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

func run(asked check) error {
	switch asked.Kind {
	case "note":
		_, _, err := checkpoint(asked.Note, asked.Key)
		return err
	case "inclusion":
		root, path, err := hashes(asked.Root, asked.Path)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(path, asked.Size, root, asked.Index, tlog.RecordHash(asked.Entry))
	case "consistency":
		root, path, err := hashes(asked.Root, asked.Path)
		if err != nil {
			return err
		}
		oldRoot, _, err := hashes(asked.OldRoot, nil)
		if err != nil {
			return err
		}
		return tlog.CheckTree(path, asked.Size, root, asked.OldSize, oldRoot)
	case "folder":
		return folder(asked)
	}
	return fmt.Errorf("unknown kind %q", asked.Kind)
}

// checkpoint opens a signed note, and reads its text as size and root of a tree.
func checkpoint(signed, key string) (int64, tlog.Hash, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return 0, tlog.Hash{}, errors.New("no checkpoint of the log of this key")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

// folder opens an exported log, and proves entries and older trees from its tiles, each of which tlog checks.
func folder(asked check) error {
	signed, err := os.ReadFile(filepath.Join(asked.Folder, "checkpoint"))
	if err != nil {
		return err
	}
	size, root, err := checkpoint(string(signed), asked.Key)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles(asked.Folder))
	for _, index := range asked.Indexes {
		if err := entry(asked.Folder, size, index, root, reader); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	for _, old := range asked.Olds {
		oldRoot, err := tlog.TreeHash(old, reader)
		if err != nil {
			return fmt.Errorf("tree of %d: %w", old, err)
		}
		proof, err := tlog.ProveTree(size, old, reader)
		if err != nil {
			return fmt.Errorf("tree of %d: %w", old, err)
		}
		if err := tlog.CheckTree(proof, size, root, old, oldRoot); err != nil {
			return fmt.Errorf("tree of %d: %w", old, err)
		}
	}
	return nil
}

func entry(folder string, size, index int64, root tlog.Hash, reader tlog.HashReader) error {
	bundle, err := os.ReadFile(filepath.Join(folder, "tile", "entries", number(index/256, width(size, index/256))))
	if err != nil {
		return err
	}
	for skipped := int64(0); skipped < index%256; skipped++ {
		bundle = bundle[2+binary.BigEndian.Uint16(bundle):]
	}
	proof, err := tlog.ProveRecord(size, index, reader)
	if err != nil {
		return err
	}
	length := binary.BigEndian.Uint16(bundle)
	return tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(bundle[2:2+length]))
}

// tiles reads tiles of 256 hashes from a folder that is laid out as C2SP tlog-tiles says.
type tiles string

func (tiles) Height() int { return 8 }

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (folder tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range asked {
		path := filepath.Join(string(folder), "tile", strconv.Itoa(tile.L), number(tile.N, tile.W))
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// number writes the index of a tile as the end of a path.
func number(n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return path
}

// width says how many entries the bundle n holds.
func width(size, n int64) int {
	if rest := size - n*256; rest < 256 {
		return int(rest)
	}
	return 256
}

// hashes takes a root and a path from bytes.
func hashes(root []byte, path [][]byte) (tlog.Hash, []tlog.Hash, error) {
	var found []tlog.Hash
	for _, value := range append([][]byte{root}, path...) {
		hash, err := tlog.ParseHash(base64.StdEncoding.EncodeToString(value))
		if err != nil {
			return tlog.Hash{}, nil, err
		}
		found = append(found, hash)
	}
	return found[0], found[1:], nil
}
